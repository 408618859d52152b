"""Bodies about units, signers and machines → drafts."""

from __future__ import annotations

from functools import reduce
from operator import or_

from api import bodies
from api.drafting import Desk, digest_of, seconds
from ledger.domain.drafts import Draft
from ledger.domain.encoding.identifiers import Digest, parse_hex32
from ledger.domain.errors import NotFound
from ledger.domain.machines.profiles import get_profile
from ledger.domain.operations import Custody, Duty, EquipmentKind, EquipmentState, UnitRole
from ledger.domain.registry_acts import (
    AdmitUnit,
    ChangeEquipment,
    CloseUnit,
    EnrolSigner,
    ProposeRecovery,
    RegisterEquipment,
    RevokeSigner,
    VetoRecovery,
    draft_equipment_change,
    draft_equipment_registration,
    draft_recovery_proposal,
    draft_recovery_veto,
    draft_signer_enrolment,
    draft_signer_revocation,
    draft_unit_admission,
    draft_unit_closure,
)
from ledger.readings import zone_named
from ledger.steps.accepting.erasing import draft_erasure
from ledger.steps.accepting.resolving import resolve_machine
from ledger.steps.accepting.standing import find_machine_state


def unit_admission(desk: Desk, body: bodies.UnitAdmission) -> Draft:
    """Body → draft, signed by the authority and by the new administrator's key."""
    request = AdmitUnit(
        number=body.unit,
        code=body.code,
        name=body.name,
        roles=reduce(or_, (UnitRole[word.upper()] for word in body.roles)),
        administrator=desk.new_key(body, label=f"administrator of unit {body.unit}"),
        administrator_name=body.administrator_name,
        custody=Custody[body.custody.upper()],
        valid_until=seconds(body.valid_until),
        circumstances=desk.circumstances(body),
    )
    return draft_unit_admission(request, authority=_authority(desk))


def unit_closure(desk: Desk, body: bodies.UnitClosure) -> Draft:
    """Body → draft, signed by the authority."""
    request = CloseUnit(
        number=desk.number_of(body.unit, field="unit"), circumstances=desk.circumstances(body)
    )
    return draft_unit_closure(request, authority=_authority(desk))


def signer_enrolment(desk: Desk, body: bodies.SignerEnrolment) -> Draft:
    """Body → draft, signed by the administrator and by the new key."""
    unit = desk.own_unit(body.unit)
    return draft_signer_enrolment(
        EnrolSigner(
            unit=unit,
            key=desk.new_key(body, label=body.name),
            name=body.name,
            duties=reduce(or_, (Duty[word.upper()] for word in body.duties)),
            custody=Custody[body.custody.upper()],
            valid_from=seconds(body.valid_from),
            valid_until=seconds(body.valid_until),
            administrator=desk.signer_key(unit, Duty.ADMINISTER, body.administrator),
            circumstances=desk.circumstances(body),
        )
    )


def signer_revocation(desk: Desk, body: bodies.SignerRevocation) -> Draft:
    """Body → draft, signed by the administrator."""
    unit = desk.own_unit(body.unit)
    return draft_signer_revocation(
        RevokeSigner(
            unit=unit,
            signer=desk.signer_id(unit, body.signer),
            administrator=desk.signer_key(unit, Duty.ADMINISTER, body.administrator),
            circumstances=desk.circumstances(body),
        )
    )


def equipment_registration(desk: Desk, body: bodies.EquipmentRegistration) -> Draft:
    """Body → draft, signed by the administrator."""
    unit = desk.own_unit(body.unit)
    if body.clock_zone is not None:
        zone_named(body.clock_zone, field="clock_zone")
    if body.profile is not None:
        get_profile(body.profile)
    return draft_equipment_registration(
        RegisterEquipment(
            unit=unit,
            name=body.name,
            model=body.model,
            serial=body.serial,
            kind=EquipmentKind[body.kind.upper()],
            epoch=body.epoch,
            clock_zone=body.clock_zone,
            profile=body.profile,
            administrator=desk.signer_key(unit, Duty.ADMINISTER, body.administrator),
            circumstances=desk.circumstances(body),
        )
    )


def equipment_change(desk: Desk, body: bodies.EquipmentChange) -> Draft:
    """Body → draft, signed by the administrator."""
    unit = desk.own_unit(body.unit)
    machine = resolve_machine(desk.tx, desk.caller, body.equipment)
    state = find_machine_state(desk.tx, machine.id)
    if state is None:
        raise NotFound("the machine is not registered", field="equipment")
    return draft_equipment_change(
        ChangeEquipment(
            unit=unit,
            equipment=machine.id,
            state=EquipmentState[body.state.upper()],
            epoch=state.epoch if body.epoch is None else body.epoch,
            replaces=digest_of(body.replaces, field="replaces"),
            administrator=desk.signer_key(unit, Duty.ADMINISTER, body.administrator),
            circumstances=desk.circumstances(body),
        )
    )


def recovery_proposal(desk: Desk, body: bodies.RecoveryProposal) -> Draft:
    """Body → draft, signed by the authority and by the proposed key."""
    unit = desk.number_of(body.unit, field="unit")
    request = ProposeRecovery(
        unit=unit,
        key=desk.new_key(body, label=body.name),
        name=body.name,
        custody=Custody[body.custody.upper()],
        valid_until=seconds(body.valid_until),
        circumstances=desk.circumstances(body),
    )
    return draft_recovery_proposal(request, authority=_authority(desk))


def recovery_veto(desk: Desk, body: bodies.RecoveryVeto) -> Draft:
    """Body → draft, signed by the administrator."""
    unit = desk.own_unit(body.unit)
    return draft_recovery_veto(
        VetoRecovery(
            unit=unit,
            proposal=Digest(parse_hex32(body.proposal, field="proposal")),
            administrator=desk.signer_key(unit, Duty.ADMINISTER, body.administrator),
            circumstances=desk.circumstances(body),
        )
    )


def record_erasure(desk: Desk, body: bodies.RecordErasure) -> Draft:
    """Body → draft, signed by two different signers of the unit."""
    unit = desk.own_unit(body.unit)
    return draft_erasure(
        desk.tx,
        desk.caller,
        Digest(parse_hex32(body.subject, field="subject")),
        signer=desk.signer_key(unit, Duty.ERASE, body.signer),
        countersigner=desk.signer_key(unit, Duty.ERASE, body.countersigner),
        now=desk.instance.clock(),
        circumstances=desk.circumstances(body),
    )


def _authority(desk: Desk) -> bytes:
    return desk.instance.deployment_in(desk.tx).authority
