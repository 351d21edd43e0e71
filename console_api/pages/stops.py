"""Stops: the kill switch, which any person may engage, and its release, which is a founder's."""

from typing import Final

from fastapi import Response

from commands.governor.law import EngageKillSwitch, ReleaseKillSwitch
from console_api.pages.session import BASE
from console_api.pages.visit import Visit

HERE: Final = f"{BASE}/kill-switch"
WORD: Final = "STOP"


def kill_switch(visit: Visit) -> Response:
    """Show what is stopped, and the forms to stop and to release."""
    return _page(visit)


def _page(visit: Visit, *, wrong: str = "", typed: str = "", status: int = 200) -> Response:
    return visit.page("kill_switch.html", status=status, wrong=wrong, stop_reason=typed)


def act(visit: Visit) -> Response:
    """Stop everything, or let work resume."""
    return _release(visit) if visit.form.get("do") == "release" else _stop(visit)


def _stop(visit: Visit) -> Response:
    reason = visit.form.get("reason", "").strip()
    if visit.form.get("confirm", "").strip().upper() != WORD or not reason:
        wrong = f"Type {WORD} and give a reason; nothing was stopped yet."
        return _page(visit, wrong=wrong, typed=reason, status=422)
    receipt = visit.do(EngageKillSwitch.model_validate({"reason": reason}), back=HERE)
    told = "Stopped. Whatever agents ask for now waits for a founder"
    return visit.on(f"{BASE}/", told, tone="warn", position=receipt.position)


def _release(visit: Visit) -> Response:
    reason, unit = visit.form.get("reason", "").strip(), visit.form.get("unit", "*")
    if not reason:
        return _page(visit, wrong="A release needs a reason.", status=422)
    command = ReleaseKillSwitch.model_validate({"reason": reason, "orgUnitId": unit})
    receipt = visit.do(command, back=HERE)
    return visit.on(f"{BASE}/", "Released: work resumes", position=receipt.position)
