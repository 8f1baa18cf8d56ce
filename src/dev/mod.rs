//! Owns the development provider and the demo page behind `gatelodge dev`. Never runs outside it.
