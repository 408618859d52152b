// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Rights
/// @notice The bits of a signer's rights: what a key may do for its unit.
library Rights {
    uint32 internal constant ADMINISTER = 1; // signers, equipment and vetoes
    uint32 internal constant OPEN = 2; // open cycles, and take an opening back
    uint32 internal constant LOAD = 4; // declare loads
    uint32 internal constant RESULT = 8; // enter results: a cycle's end, further readings, monitoring
    uint32 internal constant DECIDE = 16; // release, reject, hold, lift, recall, correct
    uint32 internal constant DISPATCH = 32; // hand consignments over
    uint32 internal constant CARRY = 64; // carry consignments
    uint32 internal constant RECEIVE = 128; // take consignments in
    uint32 internal constant SETTLE = 256; // claim services, acknowledge and contest statements
    uint32 internal constant ERASE = 512; // erase personal fields, together with a second signer
    uint32 internal constant SCAN = 1024; // report packages as scanned
    uint32 internal constant REPORT = 2048; // report and comment
    uint32 internal constant ANSWER = 4096; // answer for the unit: accept, dispute, find

    uint32 internal constant ALL = 8191; // every bit that stands for a right
}
