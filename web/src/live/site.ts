// Where the call centre is: its local time, which all dates are entered and shown in.

import { computed } from "@preact/signals";
import { form } from "./form";

/** The working calendar's local time minus UTC, seconds; null until the form is known. */
export const siteOffset = computed<number | null>(() => form.value?.utc_offset_s ?? null);

/** As siteOffset; the browser's own zone while the form is not known. */
export function siteOffsetNow(): number {
  return siteOffset.value ?? -60 * new Date().getTimezoneOffset();
}
