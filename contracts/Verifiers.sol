// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// The ERC-7913 verifiers that a deployment puts on the registry's allow-list. They are
// OpenZeppelin's, unchanged, and imported only so that they are compiled with our settings.

import {ERC7913P256Verifier} from "@openzeppelin/contracts/utils/cryptography/verifiers/ERC7913P256Verifier.sol";
import {ERC7913WebAuthnVerifier} from "@openzeppelin/contracts/utils/cryptography/verifiers/ERC7913WebAuthnVerifier.sol";
