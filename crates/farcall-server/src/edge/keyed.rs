//! Structs that were sent as objects.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize,
    de::{
        DeserializeOwned, Deserializer, Error as _, MapAccess, Visitor,
        value::MapAccessDeserializer,
    },
};

/// Reads a struct from an object. What serde derives would take an array as well, for its fields in
/// their order, which is no message of JSON-RPC.
///
/// # Errors
/// Where it is no object, or not the one of a `T`.
pub(crate) fn keyed<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_map(Keys(PhantomData))
}

/// The same of a text of JSON, which is that object and nothing else, in UTF-8 also where nobody asks
/// for what it says.
///
/// # Errors
/// Where it is none.
pub(crate) fn object<T: DeserializeOwned>(json: &[u8]) -> serde_json::Result<T> {
    let json = str::from_utf8(json).map_err(serde_json::Error::custom)?;
    let mut json = serde_json::Deserializer::from_str(json);
    let object = keyed(&mut json)?;
    json.end()?;
    Ok(object)
}

struct Keys<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Keys<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}
