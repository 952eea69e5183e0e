//! First stage: the surface of the planet, as a map of heights.

use std::{fs::File, io::Write};

use farcall::prelude::*;

use super::RenderSpec;

/// Width of the map in points; its height is half of it.
pub(super) const WIDTH: usize = 2048;
/// Height of the map in points.
pub(super) const HEIGHT: usize = WIDTH / 2;
/// The map's name in the job's folder: one byte a point, row by row.
pub(super) const FILE: &str = "heights.bin";

/// How many layers of noise, each twice as fine as the one before.
const OCTAVES: u32 = 8;

/// Draws the map into the job's folder.
pub(super) fn prepare(ctx: &JobContext, spec: RenderSpec) -> Result<RenderSpec, Problem> {
    let seed = seed(&spec.scene);
    let mut heights = Vec::with_capacity(WIDTH * HEIGHT);
    for row in 0..HEIGHT {
        ctx.check()?;
        if row % 64 == 0 {
            ctx.progress(row as f64 / HEIGHT as f64);
        }
        let latitude = std::f32::consts::PI * (row as f32 + 0.5) / HEIGHT as f32;
        for column in 0..WIDTH {
            let longitude = std::f32::consts::TAU * column as f32 / WIDTH as f32;
            let (ring, y) = latitude.sin_cos();
            let (x, z) = (ring * longitude.cos(), ring * longitude.sin());
            heights.push((layered([x, y, z], seed) * 255.0) as u8);
        }
    }
    // On disk before the stage counts as finished: it does not run again.
    let mut file = File::create(ctx.work_dir().join(FILE))?;
    file.write_all(&heights)?;
    file.sync_all()?;
    Ok(spec)
}

/// Every name gives another number (FNV-1a).
pub(super) fn seed(scene: &str) -> u32 {
    scene.bytes().fold(2_166_136_261, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(16_777_619)
    })
}

/// Noise of all layers at a point of the sphere, from 0 to 1.
fn layered(point: [f32; 3], seed: u32) -> f32 {
    let (mut sum, mut weight, mut scale) = (0.0, 0.5, 1.6);
    for octave in 0..OCTAVES {
        sum += weight
            * noise(
                point.map(|axis| axis * scale + 16.0),
                seed.wrapping_add(octave),
            );
        weight /= 2.0;
        scale *= 2.0;
    }
    sum.clamp(0.0, 1.0)
}

/// Random values at the corners of a grid, and smooth in between.
fn noise(point: [f32; 3], seed: u32) -> f32 {
    let corner = point.map(|axis| axis.floor() as i32);
    let [u, v, w] = point.map(|axis| {
        let inside = axis - axis.floor();
        inside * inside * (3.0 - 2.0 * inside)
    });
    let at =
        |dx: i32, dy: i32, dz: i32| value(corner[0] + dx, corner[1] + dy, corner[2] + dz, seed);
    let mix = |a: f32, b: f32, t: f32| a + (b - a) * t;
    let near = mix(
        mix(at(0, 0, 0), at(1, 0, 0), u),
        mix(at(0, 1, 0), at(1, 1, 0), u),
        v,
    );
    let far = mix(
        mix(at(0, 0, 1), at(1, 0, 1), u),
        mix(at(0, 1, 1), at(1, 1, 1), u),
        v,
    );
    mix(near, far, w)
}

/// The random value of a corner, from 0 to 1.
pub(super) fn value(x: i32, y: i32, z: i32, seed: u32) -> f32 {
    let mut hash = seed;
    for axis in [x, y, z] {
        hash = (hash ^ axis.cast_unsigned()).wrapping_mul(0x9e37_79b1);
        hash ^= hash >> 15;
    }
    hash = hash.wrapping_mul(0x85eb_ca6b);
    (hash >> 8) as f32 / (1 << 24) as f32
}
