// Starts what a page needs. Everything also works without any of this.
import { connect } from "./live.js";
import { refresh } from "./patch.js";
import "./ui.js";

const { base, position } = document.body.dataset;
const sign = document.getElementById("live");
sign.hidden = false;

connect(`${base}/events`, Number(position), refresh, (state, text) => {
  sign.dataset.state = state;
  sign.textContent = text;
});

if (document.querySelector("[data-chart]")) import("./chart.js");
