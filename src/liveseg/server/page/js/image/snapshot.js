/** A photo by the browser's camera, taken in a dialog. */

import { el, fill, freshId } from "../dom.js";
import { icon } from "../icons.js";
import { CameraError, closeCamera, listCameras, openCamera } from "../live/camera.js";
import { Notice } from "../notice.js";
import { words } from "../strings.js";

const QUALITY = 0.95;

/** @returns {Promise<File | null>} null: the reader would rather not */
export async function takePhoto() {
  const { title, wait, shoot, cancel, camera, name, failed } = words.image.snapshot;
  const [heading, chooser] = [freshId("photo"), freshId("camera")];
  const notice = new Notice("notice-inline");
  const video = el("video", { class: "snapshot-video", muted: true, playsinline: true, "aria-label": title });
  video.muted = true;
  const select = el("select", { id: chooser, class: "select", on: { change: () => start(select.value) } });
  const field = el(
    "div",
    { class: "field", hidden: true },
    el("label", { class: "label", for: chooser, text: camera }),
    select,
  );
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
    field,
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
      const cameras = await listCameras();
      const [track] = stream.getVideoTracks();
      fill(select, ...cameras.map(({ id, label }) => el("option", { value: id, text: label || camera })));
      select.value = track?.getSettings().deviceId ?? "";
      field.hidden = cameras.length < 2;
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
