"""Catalog: everything the business can be asked. The API and the CLI are made from this."""

from typing import Final

from commands.access.token import (
    FollowLink,
    IssueToken,
    RevokeToken,
    follow_link,
    issue_token,
    revoke_token,
)
from commands.access.user import (
    AddUser,
    ChangeUserRole,
    RemoveUser,
    add_user,
    change_user_role,
    remove_user,
)
from commands.founding import FoundBusiness, found_business
from commands.governor.amendment import AmendRequest, amend_request
from commands.governor.approval import (
    ExpireApproval,
    GrantApproval,
    RejectApproval,
    expire_approval,
    grant_approval,
    reject_approval,
)
from commands.governor.incident import (
    OpenIncident,
    UpdateIncident,
    open_incident,
    update_incident,
)
from commands.governor.inquiry import (
    EscalateApproval,
    GiveInformation,
    RequestInformation,
    TellDigest,
    escalate_approval,
    give_information,
    request_information,
    tell_digest,
)
from commands.governor.law import (
    ActivatePolicy,
    ChangeParameter,
    DisablePolicy,
    DraftPolicy,
    EngageKillSwitch,
    ReleaseKillSwitch,
    ShadowPolicy,
    activate_policy,
    change_parameter,
    disable_policy,
    draft_policy,
    engage_kill_switch,
    release_kill_switch,
    shadow_policy,
)
from commands.governor.mandate import (
    DelegateApprovals,
    SetApprovalLimit,
    WithdrawDelegation,
    delegate_approvals,
    set_approval_limit,
    withdraw_delegation,
)
from commands.governor.override import OverrideDenial, override_denial
from commands.kernel.action import (
    CancelAction,
    ProposeAction,
    cancel_action,
    propose_action,
)
from commands.kernel.agent import (
    DisableAgent,
    EnableAgent,
    PermitTools,
    RegisterAgent,
    disable_agent,
    enable_agent,
    permit_tools,
    register_agent,
)
from commands.kernel.effect import (
    CompleteAction,
    FailAction,
    StartAction,
    complete_action,
    fail_action,
    start_action,
)
from commands.kernel.order import RecordOrder, record_order
from commands.kernel.org_unit import (
    CreateOrgUnit,
    DisableOrgUnit,
    EnableOrgUnit,
    create_org_unit,
    disable_org_unit,
    enable_org_unit,
)
from commands.kernel.outcome import RecordOutcome, record_outcome
from commands.message import Command, Planner

PLANNERS: Final[dict[type[Command], Planner]] = {
    FoundBusiness: found_business,
    CreateOrgUnit: create_org_unit,
    DisableOrgUnit: disable_org_unit,
    EnableOrgUnit: enable_org_unit,
    RegisterAgent: register_agent,
    PermitTools: permit_tools,
    DisableAgent: disable_agent,
    EnableAgent: enable_agent,
    ProposeAction: propose_action,
    CancelAction: cancel_action,
    StartAction: start_action,
    CompleteAction: complete_action,
    FailAction: fail_action,
    RecordOutcome: record_outcome,
    RecordOrder: record_order,
    GrantApproval: grant_approval,
    RejectApproval: reject_approval,
    ExpireApproval: expire_approval,
    AmendRequest: lambda cmd, sender: amend_request(cmd, sender, COMMANDS),
    RequestInformation: request_information,
    GiveInformation: give_information,
    EscalateApproval: escalate_approval,
    TellDigest: tell_digest,
    SetApprovalLimit: set_approval_limit,
    DelegateApprovals: delegate_approvals,
    WithdrawDelegation: withdraw_delegation,
    OverrideDenial: override_denial,
    DraftPolicy: draft_policy,
    ActivatePolicy: activate_policy,
    DisablePolicy: disable_policy,
    ShadowPolicy: shadow_policy,
    ChangeParameter: change_parameter,
    EngageKillSwitch: engage_kill_switch,
    ReleaseKillSwitch: release_kill_switch,
    OpenIncident: open_incident,
    UpdateIncident: update_incident,
    AddUser: add_user,
    ChangeUserRole: change_user_role,
    RemoveUser: remove_user,
    IssueToken: issue_token,
    RevokeToken: revoke_token,
    FollowLink: follow_link,
}

COMMANDS: Final[dict[str, type[Command]]] = {kind.__name__: kind for kind in PLANNERS}
