/**
 * Messages of pictures and masks between page and service: a 40-byte header, then one or two parts.
 *
 * Little-endian. The same stands in `liveseg.wire`; both are held to each other by tests.
 */

export const KIND = Object.freeze({ frame: 1, layers: 2, overlay: 3 });
export const HEADER = 40;
const VERSION = 1;

/** The type of a `layers` answer to a picture that was posted. */
export const LAYERS_TYPE = "application/vnd.liveseg.layers";

/**
 * What the header of an answer says.
 * @typedef {object} Header
 * @property {number} kind
 * @property {number} sequence the number of the frame that this answers
 * @property {number} stamp the sender's own time of that frame, in ms, as it was sent
 * @property {number} waited ms that the frame waited in the service
 * @property {number} worked ms that was worked on it
 * @property {number} dropped frames left out since the last answer
 */

/**
 * A mask and how sure the network is of it.
 * @typedef {object} Layers
 * @property {number} width of the mask
 * @property {number} height
 * @property {Uint8Array} mask class indices, row by row
 * @property {number} confidenceWidth 0 where there is no confidence
 * @property {number} confidenceHeight
 * @property {Uint8Array} confidence 0 to 255 for 0 to 1, coarser than the mask: bilinear between
 */

/** @typedef {Header & { layers: Layers }} LayersMessage */
/** @typedef {Header & { width: number, height: number, picture: Blob }} OverlayMessage */

/** What came is no such message. */
export class WireError extends Error {}

/**
 * A frame for the service, ready to be sent; the picture's bytes are not copied.
 * @param {number} sequence
 * @param {number} stamp ms of the page's own clock
 * @param {Blob | ArrayBuffer | Uint8Array<ArrayBuffer>} picture a JPEG, PNG or WebP
 * @returns {Blob}
 */
export function frameMessage(sequence, stamp, picture) {
  const header = new DataView(new ArrayBuffer(HEADER));
  header.setUint8(0, 0x4c);
  header.setUint8(1, 0x53);
  header.setUint8(2, VERSION);
  header.setUint8(3, KIND.frame);
  header.setUint32(4, sequence, true);
  header.setFloat64(8, stamp, true);
  header.setUint32(36, picture instanceof Blob ? picture.size : picture.byteLength, true);
  return new Blob([header.buffer, picture]);
}

/**
 * What the header of an answer says; the parts behind it are not looked at.
 * @param {ArrayBuffer} message
 * @returns {Header}
 * @throws {WireError} it is none
 */
export function readHeader(message) {
  if (message.byteLength < HEADER) throw new WireError(`a message of ${message.byteLength} bytes has no header`);
  const view = new DataView(message);
  if (view.getUint8(0) !== 0x4c || view.getUint8(1) !== 0x53) throw new WireError("this is no message of liveseg");
  if (view.getUint8(2) !== VERSION) throw new WireError(`version ${view.getUint8(2)} of the messages is not known`);
  return {
    kind: view.getUint8(3),
    sequence: view.getUint32(4, true),
    stamp: view.getFloat64(8, true),
    waited: view.getFloat32(16, true),
    worked: view.getFloat32(20, true),
    dropped: view.getUint32(24, true),
  };
}

/**
 * Read an answer of either kind; a mask comes inflated.
 * @param {ArrayBuffer} message
 * @returns {Promise<LayersMessage | OverlayMessage>}
 * @throws {WireError} it is none, or cut off
 */
export async function readMessage(message) {
  const header = readHeader(message);
  const view = new DataView(message);
  const [width, height] = [view.getUint16(28, true), view.getUint16(30, true)];
  const end = HEADER + view.getUint32(36, true);
  if (end > message.byteLength) throw new WireError("the message is cut off");
  const first = message.slice(HEADER, end);
  if (header.kind === KIND.overlay)
    return { ...header, width, height, picture: new Blob([first], { type: "image/jpeg" }) };
  if (header.kind !== KIND.layers) throw new WireError(`a message of kind ${header.kind} is not known`);
  const [confidenceWidth, confidenceHeight] = [view.getUint16(32, true), view.getUint16(34, true)];
  const [mask, confidence] = await Promise.all([
    inflated(first, width * height),
    inflated(message.slice(end), confidenceWidth * confidenceHeight),
  ]);
  return { ...header, layers: { width, height, mask, confidenceWidth, confidenceHeight, confidence } };
}

/** @param {LayersMessage | OverlayMessage} message @returns {message is LayersMessage} */
export function isLayers(message) {
  return message.kind === KIND.layers;
}

/**
 * @param {ArrayBuffer} packed a zlib stream
 * @param {number} size of what is in it
 * @returns {Promise<Uint8Array>}
 */
async function inflated(packed, size) {
  if (size === 0) return new Uint8Array(0);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  /** @type {Uint8Array} */
  let bytes;
  try {
    bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  } catch (error) {
    throw new WireError("a part of the message is damaged", { cause: error });
  }
  if (bytes.length !== size) throw new WireError(`a part of the message has ${bytes.length} bytes, not ${size}`);
  return bytes;
}
