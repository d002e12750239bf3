"""Pure decisions: values in, a decision out."""
