// Wrap asynchronous work: calls while it runs make it run once more afterwards, never twice at the same time.
export function coalesce(work) {
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
