//! `#[data]`.

use std::collections::BTreeMap;

use farcall_core::schema::{Direction, of};
use farcall_macros::data;
use schemars::JsonSchema;
use serde_json::{Value, from_value, json, to_value};

fn schema<T: JsonSchema>() -> Value {
    Value::Object(of::<T>(Direction::Input))
}

#[data]
#[derive(PartialEq)]
struct Order {
    #[min_length = 1]
    items: Vec<Item>,
    #[max_length = 3]
    notes: BTreeMap<String, String>,
    #[default = Delivery::Slow { days: 3 }]
    delivery: Delivery,
    #[rename = "coupon-code"]
    #[min_length = 4]
    coupon: Option<Name>,
    #[serde(default, alias = "n")]
    #[header = "Shop"]
    shop: i32,
}

#[data]
#[derive(PartialEq)]
struct Item {
    name: Name,
}

#[data]
#[derive(PartialEq)]
struct Name(#[pattern = "^[a-z]+$"] String);

#[data]
#[derive(Default, PartialEq)]
#[serde(tag = "kind")]
enum Delivery {
    #[default]
    Fast,
    #[rename = "slow"]
    Slow {
        #[min = 1]
        #[default = 2]
        days: u8,
    },
}

#[test]
fn keywords_of_fields_become_keywords_of_the_schema() {
    assert_eq!(
        schema::<Order>(),
        json!({
            "type": "object",
            "properties": {
                "items": {"type": "array", "items": {"$ref": "#/$defs/Item"}, "minItems": 1},
                "notes": {
                    "type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 3,
                },
                "delivery": {"$ref": "#/$defs/Delivery", "default": {"kind": "slow", "days": 3}},
                "coupon-code": {
                    "anyOf": [{"$ref": "#/$defs/Name"}, {"type": "null"}],
                    "minLength": 4, "minItems": 4,
                },
                "shop": {"type": "integer", "default": 0, "x-mcp-header": "Shop"},
            },
            "required": ["items", "notes"],
            "$defs": {
                "Item": {
                    "type": "object",
                    "properties": {"name": {"$ref": "#/$defs/Name"}},
                    "required": ["name"],
                },
                "Name": {"type": "string", "pattern": "^[a-z]+$"},
                "Delivery": {
                    "oneOf": [
                        {
                            "type": "object",
                            "properties": {"kind": {"type": "string", "const": "Fast"}},
                            "required": ["kind"],
                        },
                        {
                            "type": "object",
                            "properties": {
                                "kind": {"type": "string", "const": "slow"},
                                "days": {
                                    "type": "integer",
                                    "default": 2, "minimum": 1, "maximum": 255,
                                },
                            },
                            "required": ["kind"],
                        },
                    ],
                },
            },
        })
    );
}

#[test]
fn values_go_in_and_out() {
    let order: Order = from_value(json!({"items": [{"name": "x"}], "notes": {}, "n": 7})).unwrap();
    assert_eq!(
        to_value(&order).unwrap(),
        json!({
            "items": [{"name": "x"}], "notes": {}, "delivery": {"kind": "slow", "days": 3},
            "coupon-code": null, "shop": 7,
        })
    );
    assert_eq!(order.clone(), order);
    let delivery: Delivery = from_value(json!({"kind": "slow"})).unwrap();
    assert_eq!(delivery, Delivery::Slow { days: 2 });
    assert_eq!(Delivery::default(), Delivery::Fast);
}

/// A part of a list.
#[data]
#[derive(Eq, PartialEq, Clone)]
#[schema(additionalProperties = false)]
struct Page<T, const N: usize>
where
    T: PartialEq,
{
    entries: Vec<T>,
    #[default = N]
    size: usize,
}

#[test]
fn a_type_may_be_generic_and_never_is_its_own_title() {
    assert_eq!(
        schema::<Page<u8, 5>>(),
        json!({
            "description": "A part of a list.",
            "type": "object",
            "properties": {
                "entries": {
                    "type": "array",
                    "items": {"type": "integer", "minimum": 0, "maximum": 255},
                },
                "size": {"type": "integer", "minimum": 0, "default": 5},
            },
            "required": ["entries"],
            "additionalProperties": false,
        })
    );
    let page: Page<u8, 5> = from_value(json!({"entries": []})).unwrap();
    assert_eq!(page.size, 5);
}
