// Keeps the end of the conversation in view while an answer grows, until the reader scrolls up; coming back to the end resumes it.

const nearEnd = 80;

export function followEnd(scroller, button) {
  let following = true;
  const distance = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
  const toEnd = () => {
    following = true;
    scroller.scrollTop = scroller.scrollHeight;
    button.hidden = true;
  };
  // Only the reader's own movement counts: growth of the text fires no scroll event.
  scroller.addEventListener(
    "scroll",
    () => {
      following = distance() < nearEnd;
      button.hidden = following;
    },
    { passive: true },
  );
  button.addEventListener("click", toEnd);
  return {
    toEnd,
    keep() {
      if (following) {
        toEnd();
      } else {
        button.hidden = distance() < nearEnd;
      }
    },
  };
}
