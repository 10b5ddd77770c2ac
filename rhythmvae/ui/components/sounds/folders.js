// The files in folders that are dropped whole.

const MAX_DEPTH = 8; // of folders in a folder
const MAX_FILES = 2000; // that are looked at

/** What was dropped, if a folder is among it: its files and folders as the browser has them; else nothing. */
export function foldersOf(transfer) {
  const items = [...(transfer?.items ?? [])].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  return items.some((item) => item.isDirectory) ? items : [];
}

/** The files in files and folders, folders searched below, in the order of their names; MAX_FILES at most. */
export async function filesIn(entries, depth = 0, found = []) {
  const [entry, ...rest] = entries;
  if (!entry || found.length >= MAX_FILES) return found;
  if (entry.isFile) {
    const file = await fileOf(entry);
    if (file) found.push(file);
  } else if (depth < MAX_DEPTH) {
    const below = await listed(entry.createReader());
    await filesIn(
      below.sort((a, b) => (a.name < b.name ? -1 : 1)),
      depth + 1,
      found,
    );
  }
  return filesIn(rest, depth, found);
}

/** The file, or null where it cannot be had. */
function fileOf(entry) {
  return new Promise((resolve) => {
    entry.file(resolve, () => resolve(null));
  });
}

/** What is in a folder: a browser gives some at a time, and none at the end. */
function listed(reader, before = []) {
  return new Promise((resolve) => {
    reader.readEntries(
      (some) => {
        const all = [...before, ...some];
        resolve(some.length && all.length < MAX_FILES ? listed(reader, all) : all);
      },
      () => resolve(before),
    );
  });
}
