// What of a file of sound may say its tempo.

const TELLING = new Set(["acid", "basc", "id3 ", "ID3 "]); // chunks in which a tempo stands
const CHUNKS = 64; // that are looked through for them
// Atoms of an M4A in which the one of its tempo lies, with how many bytes they begin by.
const CONTAINERS = new Map([
  ["moov", 8],
  ["udta", 8],
  ["meta", 12],
  ["ilst", 8],
]);
const TEMPO_BYTES = 64; // of that atom

/**
 * What of a file may say a tempo: its first bytes; of a WAV or AIFF all chunks but its samples, of an M4A the atom of
 * its tempo.
 */
export async function headOf(file, most) {
  try {
    const begin = new DataView(await file.slice(0, 12).arrayBuffer());
    const [magic, kind] = [nameAt(begin, 0), nameAt(begin, 8)];
    if (nameAt(begin, 4) === "ftyp") {
      // The name of the format begins the file, as a whole atom of 16 bytes.
      const format = new Blob([new Uint8Array([0, 0, 0, 16]), file.slice(4, 12), new Uint8Array(4)]);
      return await new Blob([format, ...(await tempoAtom(file, 0, 4 * CHUNKS))]).arrayBuffer();
    }
    const isWav = magic === "RIFF" && kind === "WAVE";
    if (!isWav && !(magic === "FORM" && kind.startsWith("AIF"))) return await file.slice(0, most).arrayBuffer();
    const chunks = await telling(file, isWav, 12, most - 12, CHUNKS);
    return await new Blob([file.slice(0, 12), ...chunks]).arrayBuffer();
  } catch {
    return new ArrayBuffer(0); // too short to say anything
  }
}

/** The chunks from a place on in which a tempo may stand, `most` bytes of them together, among the next `n`. */
async function telling(file, isWav, at, most, n) {
  if (at + 8 > file.size || !n) return [];
  const header = new DataView(await file.slice(at, at + 8).arrayBuffer());
  const length = 8 + header.getUint32(4, isWav);
  const end = at + length + (length % 2);
  const isWanted = TELLING.has(nameAt(header, 0)) && end - at <= most;
  const rest = await telling(file, isWav, end, isWanted ? most - (end - at) : most, n - 1);
  return isWanted ? [file.slice(at, end), ...rest] : rest;
}

/** The atom of an M4A that says its tempo, from a place on, among the next `n`; it may be at the file's end. */
async function tempoAtom(file, at, n) {
  if (at + 8 > file.size || !n) return [];
  const header = new DataView(await file.slice(at, at + 16).arrayBuffer());
  const name = nameAt(header, 4);
  if (name === "tmpo") return [file.slice(at, at + TEMPO_BYTES)];
  if (CONTAINERS.has(name)) return tempoAtom(file, at + CONTAINERS.get(name), n - 1);
  const isLong = header.getUint32(0) === 1 && header.byteLength === 16;
  const length = isLong ? Number(header.getBigUint64(8)) : header.getUint32(0);
  return length < 8 ? [] : tempoAtom(file, at + length, n - 1);
}

const nameAt = (view, at) => String.fromCharCode(...new Uint8Array(view.buffer, at, 4));
