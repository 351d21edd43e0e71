// A line that follows the pointer and says what is there; the values are those of the table.
const SVG = "http://www.w3.org/2000/svg";

function follow(figure) {
  const plot = figure.querySelector(".plot");
  const box = document.createElement("output");
  const line = document.createElementNS(SVG, "line");
  const rows = () => [...document.querySelectorAll("#takings-table tbody tr")];
  const names = [...document.querySelectorAll("#takings-table th")].map((cell) => cell.textContent);
  line.setAttribute("class", "cross");
  line.setAttribute("y2", "100%");

  plot.addEventListener("pointermove", (event) => {
    const { left, width } = plot.getBoundingClientRect();
    const count = rows().length;
    const at = Math.min(count - 1, Math.max(0, Math.floor(((event.clientX - left) / width) * count)));
    const x = `${((at + 0.5) / count) * 100}%`;
    const [day, ...values] = [...rows()[at].cells].map((cell) => cell.textContent);
    const title = document.createElement("b");
    title.textContent = day;
    const cells = values.flatMap((value, n) => [names[n + 1], value]).map((text) => {
      const cell = document.createElement("span");
      cell.textContent = text;
      return cell;
    });
    box.replaceChildren(title, ...cells);
    line.setAttribute("x1", x);
    line.setAttribute("x2", x);
    plot.append(line);
    figure.append(box);
  });
  plot.addEventListener("pointerleave", () => {
    box.remove();
    line.remove();
  });
}

const followed = new WeakSet();
const start = () => {
  for (const figure of document.querySelectorAll("[data-chart]")) {
    if (followed.has(figure)) continue;
    followed.add(figure);
    follow(figure);
  }
};
start();
document.addEventListener("console:patched", start);
