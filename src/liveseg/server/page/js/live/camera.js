/** The browser's camera: asked for, chosen, and given back; and what to say where there is none. */

/** Why there are no pictures; the keys of `words.live.camera`. */
/** @typedef {"insecure" | "unsupported" | "denied" | "none" | "busy" | "ended" | "failed"} CameraTrouble */

export class CameraError extends Error {
  /**
   * @param {CameraTrouble} trouble
   * @param {unknown} [cause]
   */
  constructor(trouble, cause) {
    super(trouble, { cause });
    this.trouble = trouble;
  }
}

/** How a camera is asked for: what fits a page, at a film's rate or better. */
const WISHES = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };

/** @type {Record<string, CameraTrouble>} the names that browsers give to what can go wrong */
const TROUBLES = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "none",
  OverconstrainedError: "none",
  NotReadableError: "busy",
  AbortError: "busy",
};

/**
 * A camera's stream.
 *
 * @param {string | null} deviceId the one to use; null: the browser's choice
 * @returns {Promise<MediaStream>}
 * @throws {CameraError}
 */
export async function openCamera(deviceId) {
  if (!window.isSecureContext) throw new CameraError("insecure");
  if (!navigator.mediaDevices?.getUserMedia) throw new CameraError("unsupported");
  try {
    const device = deviceId ? { deviceId: { exact: deviceId } } : {};
    return await navigator.mediaDevices.getUserMedia({ video: { ...WISHES, ...device }, audio: false });
  } catch (error) {
    if (deviceId && error instanceof DOMException && error.name === "OverconstrainedError") return openCamera(null);
    throw new CameraError(error instanceof DOMException ? (TROUBLES[error.name] ?? "failed") : "failed", error);
  }
}

/**
 * The cameras, by name; browsers tell the names once one of them is in use.
 * @returns {Promise<{ id: string, label: string }[]>}
 */
export async function listCameras() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices
    .filter((device) => device.kind === "videoinput" && device.deviceId !== "")
    .map(({ deviceId, label }) => ({ id: deviceId, label }));
}

/** @param {MediaStream | null} stream */
export function closeCamera(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

/**
 * Calls back for each new frame of a video, with the time at which the camera took it.
 *
 * @param {HTMLVideoElement} video
 * @param {(taken: number) => void} onFrame `taken` in ms of `performance.now()`
 * @returns {() => void} stops it
 */
export function watchFrames(video, onFrame) {
  let over = false;
  let handle = 0;
  if (typeof video.requestVideoFrameCallback === "function") {
    /** @type {VideoFrameRequestCallback} */
    const next = (now, { captureTime, expectedDisplayTime }) => {
      if (over) return;
      handle = video.requestVideoFrameCallback(next);
      onFrame(takenAt(now, captureTime, expectedDisplayTime));
    };
    handle = video.requestVideoFrameCallback(next);
    return () => {
      over = true;
      video.cancelVideoFrameCallback(handle);
    };
  }
  let last = -1;
  const look = () => {
    if (over) return;
    handle = requestAnimationFrame(look);
    if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA || video.currentTime === last) return;
    last = video.currentTime;
    onFrame(performance.now());
  };
  handle = requestAnimationFrame(look);
  return () => {
    over = true;
    cancelAnimationFrame(handle);
  };
}

/**
 * The camera's own time of a frame where the browser tells one that can be true, or the time it was handed over.
 * @param {number} now
 * @param {number | undefined} captureTime
 * @param {number | undefined} expectedDisplayTime
 */
function takenAt(now, captureTime, expectedDisplayTime) {
  const latest = Math.max(now, expectedDisplayTime ?? now);
  if (captureTime !== undefined && captureTime > 0 && captureTime <= latest && latest - captureTime < 1000) {
    return Math.min(captureTime, performance.now());
  }
  return Math.min(now, performance.now());
}
