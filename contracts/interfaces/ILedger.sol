// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOperationLog} from "./IOperationLog.sol";
import {IUnitRegistry} from "./IUnitRegistry.sol";

/// @title ILedger
/// @notice A ledger beside the registry. What the registry refuses reverts with the registry's error.
interface ILedger is IOperationLog {
    /// @notice The registry that this ledger asks about units, signers and machines.
    /// @return its address
    function registry() external view returns (IUnitRegistry);
}
