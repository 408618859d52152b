// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILedger} from "./interfaces/ILedger.sol";
import {IUnitRegistry} from "./interfaces/IUnitRegistry.sol";
import {OperationLog} from "./OperationLog.sol";

/// @title Ledger
/// @notice A ledger that asks the registry who may act.
abstract contract Ledger is ILedger, OperationLog {
    /// @inheritdoc ILedger
    IUnitRegistry public immutable registry;

    constructor(IUnitRegistry registry_) {
        address target = address(registry_);
        require(target.code.length != 0, DeploymentInvalid("registry", uint160(target)));
        registry = registry_;
    }
}
