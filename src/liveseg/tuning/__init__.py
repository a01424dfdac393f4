"""`--target-fps`: what holds a wanted rate on this machine at the best quality, and how to keep holding it.

One file an idea: `machine` (which one this is, and how much of it lies idle), `engines` (which networks could run),
`measure` (what they and the rest of the line cost), `cost` (the rate that follows), `cache` (measured once), `choose`
(the best that reaches the target, and the ladder of levels around it), `governor` (when to take which level), `ladder`
(the segmenter that stands on it), `plan` (all of this in one call).
"""
