//! The job: a planet turns before the stars, frame by frame, and becomes a GIF.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::needless_pass_by_value,
    reason = "pixels are small numbers, and stages take over what the stage before them made"
)]

mod encode;
mod frames;
mod texture;

use farcall::prelude::*;

/// What to render.
#[data]
pub(crate) struct RenderSpec {
    /// Name of the scene; every name gives another planet.
    #[default = "demo"]
    #[pattern = "^[a-z0-9_-]+$"]
    #[max_length = 64]
    scene: String,
    /// Frames to render; the animation is one turn.
    #[default = 24]
    #[min = 1]
    #[max = 240]
    frames: u16,
    /// Width in pixels.
    #[default = 320]
    #[min = 16]
    #[max = 1024]
    width: u16,
    /// Height in pixels.
    #[default = 240]
    #[min = 16]
    #[max = 1024]
    height: u16,
}

/// Render an animated scene to a GIF.
#[job(cancel = false)]
pub(crate) fn render() -> Pipeline<RenderSpec, Artifact> {
    Pipeline::new()
        .stage("preparing assets", texture::prepare)
        .stage("rendering frames", frames::draw)
        .stage("encoding output", encode::encode)
}
