"""The demo's phone: a page with the keys of the one seat that a person can take.

There is no telephone in a demo. Whoever signs in to that seat answers, holds and hangs up here, and
sees at the desk what follows.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from starlette.requests import Request

from agentd.http_session import current
from agentd.simulator import SimulatedPbx

KEYS: Final = ("answer", "hold", "unhold", "hang_up", "customer_hangs_up")
Key = Literal["answer", "hold", "unhold", "hang_up", "customer_hangs_up"]


def phone_router(simulated: SimulatedPbx, device: str) -> APIRouter:
    """``GET /api/demo/phone`` tells what the phone does, ``POST /api/demo/phone/KEY`` presses a
    key; a key that makes no sense now does nothing."""
    router = APIRouter(prefix="/api/demo/phone", include_in_schema=False)

    def told() -> JSONResponse:
        phone = simulated.phone(device)
        body: dict[str, Any] = {"seat": device, "state": phone.state, "number": phone.number}
        return JSONResponse(body, headers={"Cache-Control": "no-store"})

    @router.get("")
    async def state(request: Request) -> JSONResponse:
        current(request)
        return told()

    @router.post("/{key}")
    async def press(request: Request, key: Key) -> JSONResponse:
        current(request)
        getattr(simulated.phone(device), key)()
        return told()

    return router
