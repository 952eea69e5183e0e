//! A farcall server whose job leaves a file of any length.

use std::io::Write;

use farcall::prelude::*;

/// What to write.
#[data]
struct FileSpec {
    /// Length of the file in bytes.
    bytes: u64,
}

/// Write a file of a given length.
#[job]
fn write_file() -> Pipeline<FileSpec, Artifact> {
    Pipeline::new().stage("writing", write)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "stages take over what they are given"
)]
fn write(ctx: &JobContext, spec: FileSpec) -> Result<Artifact, Problem> {
    let block = block();
    let mut artifact = ctx.create_artifact("data.bin")?;
    let mut left = spec.bytes;
    while left > 0 {
        ctx.check()?;
        let length = left.min(block.len() as u64);
        artifact.write_all(&block[..usize::try_from(length)?])?;
        left -= length;
    }
    artifact.finish()
}

/// A megabyte that does not compress (xorshift).
fn block() -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut block = Vec::with_capacity(1 << 20);
    while block.len() < 1 << 20 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        block.extend(state.to_le_bytes());
    }
    block
}

pub(crate) fn app() -> App {
    App::new("big-files").job::<write_file>()
}
