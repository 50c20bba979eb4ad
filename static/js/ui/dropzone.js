// Files and whole folders that are dropped anywhere on the page, each file with the folder in which it stood.
export const getFolder = (path) => path.split("/").slice(0, -1).filter(Boolean).join("/");

async function* filesIn(entry) {
  if (entry.isFile) yield { file: await new Promise((resolve, reject) => entry.file(resolve, reject)), folder: getFolder(entry.fullPath) };
  if (!entry.isDirectory) return;
  const reader = entry.createReader();
  for (let batch; (batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject))).length; ) {
    for (const inner of batch) if (!inner.name.startsWith(".")) yield* filesIn(inner);
  }
}

const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");

// `veil` lies over the page while files are above it; `add` hears of the files as they are found.
export function onDrop(overlay, add) {
  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    overlay.hidden = false;
  });

  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) overlay.hidden = true;
  });

  document.addEventListener("drop", async (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    overlay.hidden = true;
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    if (!entries.length) add([...event.dataTransfer.files].map((file) => ({ file, folder: "" })));
    for (const entry of entries) for await (const file of filesIn(entry)) add([file]);
  });
}
