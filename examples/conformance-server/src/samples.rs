//! The smallest picture and sound that are valid.

/// One red pixel, `image/png`.
pub(crate) const PICTURE: &[u8] = include_bytes!("../assets/red.png");

/// One silent sample at 8 kHz, `audio/wav`.
pub(crate) const SOUND: &[u8] = include_bytes!("../assets/silence.wav");
