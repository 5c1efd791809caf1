// What cnnviz/ui/training/packing.py packed: a JSON text, and 32-bit floats.

function unpacked(bytes) {
  const copy = bytes.slice(); // its floats must begin at a multiple of four
  const length = new DataView(copy.buffer).getUint32(0, true);
  const content = JSON.parse(new TextDecoder().decode(copy.subarray(4, 4 + length)));
  return { content, floats: new Float32Array(copy.buffer, 4 + length) };
}
