// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Duties
/// @notice The bits of a signer's duties: what a key may do for its unit.
library Duties {
    uint32 internal constant ADMINISTER = 1; // signers, equipment and vetoes
    uint32 internal constant OPEN = 2; // open cycles
    uint32 internal constant LOAD = 4; // declare loads
    uint32 internal constant RESULT = 8; // end cycles: enter the machine's result
    uint32 internal constant DECIDE = 16; // release, reject, hold, lift, recall, correct
    uint32 internal constant DISPATCH = 32; // hand consignments over
    uint32 internal constant CARRY = 64; // carry consignments
    uint32 internal constant RECEIVE = 128; // take consignments in
    uint32 internal constant SETTLE = 256; // acknowledge and contest statements
    uint32 internal constant ERASE = 512; // erase personal fields, together with a second signer

    uint32 internal constant ALL = 1023; // every bit that stands for a duty
}
