//! The attributes that a node gives.

use super::super::proto::{AttributeProto, TensorProto};
use super::{Call, Sign};
use crate::model::ModelError;

impl<'a> Call<'a> {
    /// An integer attribute.
    pub fn int_attribute(&self, name: &str) -> Option<i64> {
        if name == "axis" && self.axis.is_some() {
            return self.axis;
        }
        // A proto3 writer leaves zeros out.
        self.attribute(name).map(|attribute| attribute.i.unwrap_or(0))
    }

    /// An integer attribute that is 0 or 1; left out, it is 0.
    pub fn flag(&self, name: &str) -> Result<bool, ModelError> {
        match self.int_attribute(name).unwrap_or(0) {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(self.misfit(format!("0 or 1 for attribute `{name}`"), other.to_string())),
        }
    }

    /// A float attribute, which must be finite.
    pub fn float_attribute(&self, name: &str) -> Result<Option<f32>, ModelError> {
        match self.attribute(name).map(|attribute| attribute.f.unwrap_or(0.0)) {
            Some(value) if !value.is_finite() => Err(ModelError::not_finite(&self.name, name.into(), value.into())),
            value => Ok(value),
        }
    }

    /// Which one, where a float attribute is infinite.
    pub fn infinite_attribute(&self, name: &str) -> Option<Sign> {
        Sign::of(self.attribute(name)?.f.unwrap_or(0.0).into())
    }

    /// A text as attribute; the empty one where it is no UTF-8.
    pub fn text_attribute(&self, name: &str) -> Option<&'a str> {
        let text = |attribute: &'a AttributeProto| attribute.s.as_deref().and_then(|s| std::str::from_utf8(s).ok());
        self.attribute(name).map(|attribute| text(attribute).unwrap_or(""))
    }

    /// A list of integers as attribute.
    pub fn ints_attribute(&self, name: &str) -> Option<&'a [i64]> {
        self.attribute(name).map(|attribute| attribute.ints.as_slice())
    }

    /// A list of floats as attribute.
    pub fn floats_attribute(&self, name: &str) -> Option<&'a [f32]> {
        self.attribute(name).map(|attribute| attribute.floats.as_slice())
    }

    /// How many texts an attribute lists.
    pub fn texts_attribute(&self, name: &str) -> usize {
        self.attribute(name).map_or(0, |attribute| attribute.strings.len())
    }

    /// A tensor as attribute.
    pub fn tensor_attribute(&self, name: &str) -> Result<Option<&'a TensorProto>, ModelError> {
        let missing = || self.misfit(format!("a tensor as attribute `{name}`"), "none");
        self.attribute(name).map(|attribute| attribute.t.as_ref().ok_or_else(missing)).transpose()
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&'a AttributeProto> {
        self.node.attribute.iter().find(|attribute| attribute.name.as_deref() == Some(name))
    }
}
