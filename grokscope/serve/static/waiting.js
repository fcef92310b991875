// Waits for a report, and opens it.
import { $, say } from "./common.js";

const place = $("#waiting");
fetch(place.dataset.target, { method: "HEAD" })
  .then((answer) => (answer.ok ? window.location.replace(place.dataset.target) : fetch(place.dataset.target).then((again) => again.text()).then((why) => Promise.reject(new Error(why.trim())))))
  .catch((error) => (place.textContent = say("live.waiting_failed", { why: error.message })));
