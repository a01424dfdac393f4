/** A photo by the browser's camera, taken in a dialog. */

import { el, freshId } from "../dom.js";
import { listField } from "../fields.js";
import { icon } from "../icons.js";
import { CameraError, closeCamera, listCameras, openCamera } from "../live/camera.js";
import { Notice } from "../notice.js";
import { words } from "../strings.js";

const QUALITY = 0.95;

/** @returns {Promise<File | null>} null: the reader would rather not */
export async function takePhoto() {
  const { title, wait, shoot, cancel, camera, name, failed } = words.image.snapshot;
  const heading = freshId("photo");
  const notice = new Notice("notice-inline");
  const video = el("video", { class: "snapshot-video", muted: true, playsinline: true, "aria-label": title });
  video.muted = true;
  const cameras = listField(camera, (device) => start(device));
  cameras.element.hidden = true;
  const take = el(
    "button",
    { type: "button", class: "button primary", disabled: true, on: { click: () => shot() } },
    icon("camera"),
    shoot,
  );
  const dialog = el(
    "dialog",
    { class: "dialog snapshot", "aria-labelledby": heading },
    el("h2", { id: heading, text: title }),
    el("div", { class: "snapshot-view" }, video, notice.element),
    cameras.element,
    el(
      "div",
      { class: "dialog-actions" },
      el("button", { type: "button", class: "button", text: cancel, on: { click: () => dialog.close() } }),
      take,
    ),
  );
  /** @type {MediaStream | null} */
  let stream = null;
  /** @type {File | null} */
  let photo = null;

  const start = async (/** @type {string | null} */ device) => {
    notice.loading(wait);
    closeCamera(stream);
    try {
      stream = await openCamera(device);
      if (!dialog.open) {
        closeCamera(stream);
        return;
      }
      video.srcObject = stream;
      await video.play();
      notice.clear();
      take.disabled = false;
      take.focus();
      const found = await listCameras();
      const [track] = stream.getVideoTracks();
      cameras.set(
        found.map(({ id, label }, place) => ({ value: id, label: label || words.live.cameraName(place + 1) })),
        track?.getSettings().deviceId,
      );
      cameras.element.hidden = found.length < 2;
    } catch (error) {
      if (!dialog.open) return;
      if (error instanceof CameraError) notice.show("error", words.live.trouble[error.trouble]);
      else notice.error(error);
    }
  };

  const shot = async () => {
    const canvas = el("canvas", {});
    Object.assign(canvas, { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext("2d")?.drawImage(video, 0, 0);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
    if (blob === null) {
      notice.show("error", { title: failed });
      return;
    }
    photo = new File([blob], name, { type: "image/jpeg" });
    dialog.close();
  };

  document.body.append(dialog);
  dialog.showModal();
  start(null);
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      closeCamera(stream);
      dialog.remove();
      resolve(photo);
    });
  });
}
