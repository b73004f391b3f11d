"""Paths and what a link makes of them.

Six containers hold paths, each for another reader:

- `propagation.paths.path_set.PathSet`: of all links of a scene, with their geometry and complex
  transfer, without people. What the tracer finds and replays.
- `propagation.people.body_paths.BodyPaths`: a PathSet of the same links over one body each, with
  the other people's blockage, Doppler and the links' sums.
- `twin.link_paths.LinkPaths`: the strongest of one link at one instant, people included. What
  channel messages carry.
- `beams.multipath.Multipath`: of any number of channels, power, delay and angles alone. What beams
  are chosen on and scores compare.
- `campaign.snapshot.MeasuredPaths`: of one sounder record, the columns of RadioPath.msg in decibels,
  NaN where not measured. What a bag holds.
- `lab.radio.channel_truth.TruePaths`: of one link of a lab's world, complex amplitudes with the
  carrier's phase. What the lab's sounder measures.
"""
