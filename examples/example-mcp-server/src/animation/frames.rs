//! Second stage: the frames, as colours.

use std::{fs, io::Write};

use farcall::prelude::*;

use super::{RenderSpec, texture};

/// The frames' name in the job's folder: three bytes a pixel, row by row, frame by frame.
pub(super) const FILE: &str = "frames.rgb";

/// Samples a pixel along each axis, against jagged edges.
const SAMPLES: u16 = 4;

/// Draws every frame into the job's folder.
pub(super) fn draw(ctx: &JobContext, spec: RenderSpec) -> Result<RenderSpec, Problem> {
    let planet = Planet {
        heights: fs::read(ctx.work_dir().join(texture::FILE))?,
        seed: texture::seed(&spec.scene),
    };
    let mut file = std::io::BufWriter::new(fs::File::create(ctx.work_dir().join(FILE))?);
    for frame in 0..spec.frames {
        ctx.check()?;
        ctx.progress(f64::from(frame) / f64::from(spec.frames));
        let turn = f32::from(frame) / f32::from(spec.frames);
        for y in 0..spec.height {
            for x in 0..spec.width {
                file.write_all(&pixel(&planet, &spec, (x, y), turn))?;
            }
        }
    }
    file.into_inner()?.sync_all()?;
    Ok(spec)
}

/// The mean colour of a pixel's samples.
fn pixel(planet: &Planet, spec: &RenderSpec, (x, y): (u16, u16), turn: f32) -> [u8; 3] {
    let radius = f32::from(spec.width.min(spec.height)) * 0.42;
    let mut sum = [0.0; 3];
    for sample in 0..SAMPLES * SAMPLES {
        let across = f32::from(x) + (f32::from(sample % SAMPLES) + 0.5) / f32::from(SAMPLES);
        let down = f32::from(y) + (f32::from(sample / SAMPLES) + 0.5) / f32::from(SAMPLES);
        let (px, py) = (
            (across - f32::from(spec.width) / 2.0) / radius,
            (f32::from(spec.height) / 2.0 - down) / radius,
        );
        let color = planet
            .color(px, py, turn)
            .unwrap_or_else(|| star(planet.seed, x, y));
        for (total, part) in sum.iter_mut().zip(color) {
            *total += part;
        }
    }
    sum.map(|total| (255.0 * total / f32::from(SAMPLES * SAMPLES)).clamp(0.0, 255.0) as u8)
}

struct Planet {
    heights: Vec<u8>,
    seed: u32,
}

impl Planet {
    /// The colour at a point of the picture, in radii from its middle; `None` beside the planet.
    fn color(&self, x: f32, y: f32, turn: f32) -> Option<[f32; 3]> {
        let depth = 1.0 - x * x - y * y;
        if depth < 0.0 {
            return None;
        }
        let z = depth.sqrt();
        let latitude = y.clamp(-1.0, 1.0).acos() / std::f32::consts::PI;
        let longitude = (z.atan2(x) / std::f32::consts::TAU + turn).rem_euclid(1.0);
        let row = ((latitude * texture::HEIGHT as f32) as usize).min(texture::HEIGHT - 1);
        let column = ((longitude * texture::WIDTH as f32) as usize).min(texture::WIDTH - 1);
        let height = f32::from(*self.heights.get(row * texture::WIDTH + column)?) / 255.0;
        let light = (0.75 * z + 0.5 * x + 0.35 * y).clamp(0.04, 1.0);
        Some(surface(height, latitude).map(|part| part * light))
    }
}

/// Water, shore, forest, rock and ice.
fn surface(height: f32, latitude: f32) -> [f32; 3] {
    let cold = (latitude - 0.5).abs() * 2.0;
    match height {
        _ if cold + height * 0.3 > 1.02 => [0.93, 0.96, 1.0],
        h if h < 0.48 => [0.05, 0.15 + h * 0.4, 0.35 + h * 0.7],
        h if h < 0.50 => [0.80, 0.74, 0.52],
        h if h < 0.60 => [0.16, 0.55 - (h - 0.5) * 1.5, 0.18],
        h => [h * 0.75, h * 0.62, h * 0.50],
    }
}

fn star(seed: u32, x: u16, y: u16) -> [f32; 3] {
    let brightness = texture::value(x.into(), y.into(), 7, seed);
    if brightness > 0.997 {
        [0.9, 0.9, 1.0]
    } else {
        [0.01, 0.01, 0.03]
    }
}
