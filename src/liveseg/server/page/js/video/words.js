/** The state of a video in words. */

import { number, size, words } from "../strings.js";

/** @typedef {import("./job.js").VideoJob} VideoJob */

/**
 * How far a video is, in [0, 1]; null: that cannot be told.
 * @param {VideoJob} job
 */
export function shareOf(job) {
  if (job.state === "uploading")
    return job.sending && job.sending.total > 0 ? job.sending.sent / job.sending.total : null;
  if (job.state === "running") return job.told?.progress.share ?? null;
  return job.state === "done" ? 1 : null;
}

/**
 * What is to be said of a video that is on its way, in parts; empty for one that is not.
 * @param {VideoJob} job
 * @returns {string[]}
 */
export function detailsOf(job) {
  const { video } = words;
  if (job.unreachable) return [video.unreachable];
  if (job.state === "uploading" && job.sending) {
    const { sent, total, remaining } = job.sending;
    return [video.sent(size(sent), size(total)), ...(remaining === null ? [] : [video.remaining(remaining)])];
  }
  if (job.state === "queued") return job.told?.place ? [video.place(job.told.place)] : [];
  if (job.state !== "running" || job.told === null) return [];
  const { frames, expected, rate, remaining_seconds: remaining } = job.told.progress;
  if (frames === 0) return [video.starting];
  return [
    expected ? video.framesOf(number(frames), number(expected)) : video.frames(number(frames)),
    ...(rate > 0 ? [video.rate(number(rate, rate < 10 ? 1 : 0))] : []),
    ...(remaining === null ? [] : [video.remaining(remaining)]),
  ];
}
