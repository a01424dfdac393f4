/** Words of the tab for images. */
export const image = {
  start: {
    title: "Drop a picture here",
    text: "See what is in it, pixel by pixel: people, animals, vehicles, furniture.",
    here: "The picture stays on this machine.",
    sent: (/** @type {string} */ host) => `The picture is sent to ${host}, and not kept there.`,
    pick: "Choose a picture",
    camera: "Take a photo",
    paste: "or paste one",
    samples: "No picture at hand? Try one of these:",
    sample: (/** @type {string} */ name) => `Try the sample: ${name}`,
  },
  samples: { image_1: "a cat", image_2: "an astronaut" },
  work: {
    reading: "Reading the picture…",
    segmenting: "Looking at each pixel…",
    loading: "The model is being loaded; then it is the picture's turn…",
    done: (/** @type {string} */ what) => `Done: ${what}.`,
    nothing: "nothing that this model knows",
    failed: "The picture could not be segmented",
    again: "Try again",
    other: "Choose another picture",
  },
  unreadable: {
    title: "This browser cannot show that picture",
    text: (/** @type {string} */ kind) =>
      `Neither this browser nor the service reads ${kind}. Save it as JPEG, PNG or WebP.`,
    unknown: "this file",
    converted: (/** @type {string} */ kind) =>
      `The service does not read ${kind}, so this browser turned it into a PNG first.`,
    served: "This browser cannot show the file itself; the service sent the picture as it reads it.",
    other: "The service sees this picture in another size than the browser does; borders may be off.",
  },
  view: { label: "What to show", overlay: "Colours", cutout: "Cut-out", blur: "Blur" },
  legend: {
    title: "What is in it",
    hint: "Click a class to leave it out.",
    nothing: "The network found nothing in it but background.",
  },
  look: { title: "Look", alpha: "Opacity", blur: "Blur", palette: "Palette" },
  palettes: {
    safe: { name: "All eyes", about: "Can be told apart with any kind of colour vision" },
    vivid: { name: "Vivid", about: "Bright, for dim pictures" },
    model: { name: "Model", about: "As the model has them" },
    voc: { name: "VOC", about: "As Pascal VOC has them" },
  },
  model: { label: "Model", size: "Detail", usual: (/** @type {number} */ size) => `${size} (usual)`, auto: "usual" },
  another: "New picture",
  others: (/** @type {number} */ count) =>
    count === 1
      ? "One picture is shown at a time; the other one was left out."
      : `One picture is shown at a time; ${count} others were left out.`,
  download: {
    label: "Download",
    drawn: "As it is drawn",
    data: "As data",
    busy: "Being made…",
    failed: "The download could not be made:",
    overlay: ["Picture with colours", ""],
    cutout: ["Cut-out", "PNG"],
    blur: ["Blurred background", ""],
    mask: ["Mask of class indices", "PNG"],
    polygons: ["Polygons", "GeoJSON"],
    rle: ["Run lengths", "COCO"],
    areas: ["Areas", "JSON"],
    npz: ["Arrays", "NumPy"],
  },
  probe: {
    label: "The picture. The arrow keys move a point that tells the class under it.",
    off: "switched off",
    sure: (/** @type {string} */ share) => `${share} sure`,
  },
  facts: {
    size: (/** @type {number} */ width, /** @type {number} */ height) => `${width} × ${height}`,
    time: (/** @type {string} */ ms) => `answered in ${ms} ms`,
    network: (/** @type {string} */ ms) => `network ${ms} ms`,
  },
  snapshot: {
    title: "Take a photo",
    wait: "Waiting for the camera…",
    shoot: "Take it",
    cancel: "Cancel",
    camera: "Camera",
    name: "photo.jpg",
    failed: "The camera gives no picture.",
  },
};
