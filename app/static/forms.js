// The two forms that Gradio draws. Their events are ours and hang on the document, so that they work from the
// first keystroke on, before and after Gradio has attached its handlers, and each press counts once.

const forms = [];

// whenSubmitted({ fields: [ids], button: id }, act): Enter in a field or a click on the button calls `act`.
export function whenSubmitted({ fields, button }, act) {
  forms.push({ fields, button, act });
}

export function fieldOf(id) {
  return document.querySelector(`#${id} :is(textarea, input)`);
}

// Written as if it were typed: Gradio's own binding and the height of its box follow.
export function type(field, text) {
  Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value").set.call(field, text);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

const isWithin = (node, id) => Boolean(node.closest?.(`#${id}`));

document.addEventListener("keydown", (event) => {
  const isPlain = !event.shiftKey && !event.altKey && !event.ctrlKey && !event.metaKey;
  // keyCode 229 is how some browsers mark the Enter that only ends a composition.
  if (event.key !== "Enter" || !isPlain || event.isComposing || event.keyCode === 229) return;
  if (!event.target.matches?.("textarea, input")) return;
  const form = forms.find(({ fields }) => fields.some((id) => isWithin(event.target, id)));
  if (!form) return;
  event.preventDefault();
  if (!event.repeat) form.act();
}, true);

document.addEventListener("click", (event) => {
  forms.find(({ button }) => isWithin(event.target, button))?.act();
}, true);
