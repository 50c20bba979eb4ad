// Work that is asked for again while it runs is done once more afterwards, never twice at the same time.
export function together(work) {
  let running = null;
  let again = false;
  const run = async () => {
    do {
      again = false;
      await work();
    } while (again);
  };
  return () => {
    again = true;
    return (running ??= run().finally(() => (running = null)));
  };
}
