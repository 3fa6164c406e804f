// Going to a field outlines its words on the page of the document. Without script the link beside the field does.
const paper = document.querySelector("#paper");

function outline(name) {
  const mark = document.getElementById(`m-${name}`);
  if (!paper || !mark) return false;
  for (const each of paper.querySelectorAll(".on")) each.classList.remove("on");
  mark.classList.add("on");
  const beside = getComputedStyle(paper).overflowY === "auto";
  if (beside) {
    const here = mark.getBoundingClientRect();
    const frame = paper.getBoundingClientRect();
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const top = paper.scrollTop + here.top - frame.top - frame.height / 3;
    if (here.top < frame.top || here.bottom > frame.bottom) paper.scrollTo({ top, behavior: still ? "auto" : "smooth" });
  }
  return beside;
}

document.addEventListener("focusin", (event) => {
  const field = event.target.closest("[data-field]");
  if (field) outline(field.dataset.field);
});
// On a narrow screen the document is above the form: there the link leads to it, as it does without script.
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-mark]");
  if (link && outline(link.dataset.mark)) event.preventDefault();
});
