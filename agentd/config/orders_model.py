"""``orders.toml`` as a model: each key with its default, documented in ``config/orders.toml``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from agentd.config.model import Name
from agentd.core.order_form import Label

Key = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9_]{0,39}$",
        description="small letters, digits and _, beginning with a letter",
    ),
]
Seconds = Annotated[int, Field(ge=0, le=30 * 86_400)]
Digits = Annotated[str, Field(pattern=r"^[0-9]{0,6}$", description="digits only")]
MAX_DUE_DAYS = 366


class Section(BaseModel):
    """A section of the file: no unknown keys, no silent conversions."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class LabelSection(Section):
    zh: Name
    en: Name

    @property
    def pair(self) -> Label:
        return self.zh, self.en


class UrgentSection(Section):
    repeat_s: Annotated[int, Field(ge=10, le=3600)] = 60
    deputy_after: Annotated[int, Field(ge=1, le=100)] = 3


class DispatchSection(Section):
    remind_s: list[Seconds] = [86_400, 3_600]


class PromiseSection(Section):
    warn_s: Seconds = 600


class NumbersSection(Section):
    country: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,2}$", description="1 to 3 digits")] = "86"
    trunk_zero: Digits = "0"
    outside_line: list[Digits] = []
    area: Digits = ""
    local_digits: list[Annotated[int, Field(ge=3, le=12)]] = [7, 8]
    mobile: Digits = "1"
    mobile_digits: Annotated[int, Field(ge=5, le=15)] = 11


class CalendarSection(Section):
    weekdays: Annotated[list[Annotated[int, Field(ge=1, le=7)]], Field(min_length=1)] = [
        1,
        2,
        3,
        4,
        5,
    ]
    holidays: list[Name] = []
    extra_days: list[Name] = []
    day_ends: Annotated[
        str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description='a time like "17:30"')
    ] = "17:30"
    utc_offset: Annotated[
        str, Field(pattern=r"^[+-](0\d|1[0-4]):[0-5]\d$", description='written like "+08:00"')
    ] = "+08:00"


class FieldSection(Section):
    key: Key
    label: LabelSection
    kind: Literal["text", "choice", "place", "phone", "date"] = "text"
    required: bool = True
    choices: list[Name] = []
    max_chars: Annotated[int, Field(ge=1, le=4000)] = 500
    in_title: bool = False


class CategorySection(Section):
    key: Key
    label: LabelSection
    hotkey: Annotated[
        str, Field(pattern=r"^[0-9a-z]?$", description="one digit or small letter")
    ] = ""
    field: list[FieldSection] = []
    needs_reply: bool = False
    forward: bool = False
    owner: str = ""
    director: str = ""


class QueueForms(Section):
    category: list[CategorySection] = []


class UnitSection(Section):
    key: Key
    label: LabelSection
    contact: str = ""
    phone: str = ""
    due_days: Annotated[int, Field(ge=0, le=MAX_DUE_DAYS)] = 5


class PauseSection(Section):
    key: Key
    label: LabelSection
    kind: Literal["rest", "work", "training"] = "rest"


class OrdersFile(Section):
    """``orders.toml``."""

    external: bool = False
    appeal_days: Annotated[int, Field(ge=0, le=366)] = 7
    pre_approved: list[Literal["silent_call", "bad_line", "wrong_number", "harassment"]] = []
    call_back_within_s: Annotated[int, Field(ge=60, le=30 * 86_400)] = 900
    call_back_report_s: Seconds = 600
    urgent: UrgentSection = UrgentSection()
    dispatch: DispatchSection = DispatchSection()
    promise: PromiseSection = PromiseSection()
    numbers: NumbersSection = NumbersSection()
    calendar: CalendarSection = CalendarSection()
    category: list[CategorySection] = []
    queue: dict[str, QueueForms] = {}
    unit: list[UnitSection] = []
    pause: list[PauseSection] = []
