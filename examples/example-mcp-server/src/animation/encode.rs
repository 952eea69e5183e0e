//! Third stage: the animation, as a GIF that repeats for ever.

use std::{
    fs::File,
    io::{BufReader, Read},
};

use farcall::prelude::*;
use gif::{Encoder, Frame, Repeat};

use super::{RenderSpec, frames};

/// One turn of the planet takes so long, in hundredths of a second.
const TURN: u16 = 480;

/// How thoroughly the colours of a frame are chosen: 1 is best, 30 is fastest.
const SPEED: i32 = 4;

/// Encodes the frames and leaves the animation as the job's artifact.
pub(super) fn encode(ctx: &JobContext, spec: RenderSpec) -> Result<Artifact, Problem> {
    let mut frames = BufReader::new(File::open(ctx.work_dir().join(frames::FILE))?);
    let mut pixels = vec![0; 3 * usize::from(spec.width) * usize::from(spec.height)];
    let mut artifact = ctx.create_artifact("animation.gif")?;
    let mut encoder = Encoder::new(&mut artifact, spec.width, spec.height, &[])?;
    encoder.set_repeat(Repeat::Infinite)?;
    for number in 0..spec.frames {
        ctx.check()?;
        ctx.progress(f64::from(number) / f64::from(spec.frames));
        frames.read_exact(&mut pixels)?;
        let mut frame = Frame::from_rgb_speed(spec.width, spec.height, &pixels, SPEED);
        frame.delay = (TURN / spec.frames).max(2);
        encoder.write_frame(&frame)?;
    }
    drop(encoder);
    artifact.finish()
}
