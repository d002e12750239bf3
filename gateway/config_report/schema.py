"""The config file's JSON schema, from its models: for editors, which complete keys, explain
them and mark slips.

It never marks what the gateway takes. What it cannot see, it lets pass: the environment, other keys' values,
tokens' shapes.
"""

import json
from typing import Annotated, Any, cast

from pydantic import BaseModel, SecretStr, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from gateway.agents.presets import PRESETS
from gateway.config.models import Config
from gateway.config.written import FREE_TEXT, PLAIN_TEXT, REFERENCE, Schema

DIALECT = "https://json-schema.org/draft/2020-12/schema"
IDENTITY = "urn:carryon:config"
_REFERENCE: Schema = {
    "type": "string",
    "pattern": REFERENCE,
    "description": "${NAME}, ${NAME:-default} or ${file:/path}",
}
_EVERYWHERE = r"(?:0\.0\.0\.0|\[::\]):[0-9]+"  # addresses that are surely not of this machine alone


def text() -> str:
    """The schema as JSON, always the same for the same models."""
    return json.dumps(schema(), indent=2, ensure_ascii=False)


def schema() -> Schema:
    """The schema, of draft 2020-12."""
    found = Config.model_json_schema(schema_generator=_Generator)
    parts = cast("dict[str, Schema]", found["$defs"])
    agent = parts["AgentConfig"]
    agent["anyOf"] = [_given("preset"), _given("command")]
    agent["properties"]["preset"]["anyOf"] = [
        *({"const": name, "description": _about(name)} for name in PRESETS),
        _REFERENCE,
        {"type": "null"},
    ]
    parts["HttpConfig"] |= {
        "if": {"properties": {"listen": {"type": "string", "pattern": _EVERYWHERE}}, "required": ["listen"]},
        "then": _given("token"),
    }
    named = {
        "text": {"description": "a text, in which ${NAME} is filled in", **FREE_TEXT},
        "reference": _REFERENCE,
    }
    found = {key: _shared(part) for key, part in found.items()}
    found["$defs"] = dict(sorted((found["$defs"] | named).items()))
    return {
        "$schema": DIALECT,
        "$id": IDENTITY,
        "title": "Carryon config",
        **found,
        "description": "The config file of the Carryon gateway. Only accounts, agents and default_agent are "
        "required.",
    }


def _shared(part: object) -> Any:  # noqa: ANN401  (JSON)
    """The same with kinds of values that occur often named instead of repeated."""
    if isinstance(part, list):
        return [_shared(inner) for inner in cast("list[Any]", part)]
    if not isinstance(part, dict):
        return part
    values = cast("Schema", part)
    if values.get("writeOnly"):  # pydantic's word for a secret
        values = {key: v for key, v in values.items() if key not in {"type", "format"}} | FREE_TEXT
    if values.get("pattern") == FREE_TEXT["pattern"] and values["type"] != PLAIN_TEXT["type"]:
        return {"$ref": "#/$defs/text"} | {key: v for key, v in values.items() if key not in FREE_TEXT}
    return (
        {"$ref": "#/$defs/reference"} if values == _REFERENCE else {k: _shared(v) for k, v in values.items()}
    )


def _given(key: str) -> Schema:
    return {"required": [key], "properties": {key: {"not": {"type": "null"}}}}


def _about(preset: str) -> str:
    known = PRESETS[preset]
    return f"starts {' '.join(known.command)}; install it with `{known.install}`"


class _Generator(GenerateJsonSchema):
    """Pydantic's, with references in all values, defaults as people write them, and fewer titles."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401  (pydantic's own name for it is private)
        del schema
        return False

    def str_schema(self, schema: core_schema.StringSchema) -> JsonSchemaValue:
        del schema
        return dict(FREE_TEXT)

    def literal_schema(self, schema: core_schema.LiteralSchema) -> JsonSchemaValue:
        return {"anyOf": [{"enum": schema["expected"]}, _REFERENCE]}

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        inner = self.generate_inner(schema["schema"])
        choices = inner["anyOf"] if set(inner) == {"anyOf"} else [inner]
        return {"anyOf": [*choices, {"type": "null"}]}

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        choices = cast("dict[str, CoreSchema]", schema["choices"])
        return {"anyOf": [self.generate_inner(choice) for choice in choices.values()]}

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        keys, values = schema["keys_schema"], schema["values_schema"]  # pyright: ignore[reportTypedDictNotRequiredAccess]
        found: Schema = {"type": "object", "additionalProperties": self.generate_inner(values)}
        named = self.generate_inner(keys)
        if named != FREE_TEXT:
            found["propertyNames"] = named
        if "min_length" in schema:
            found["minProperties"] = schema["min_length"]
        return found

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        found, model = super().model_schema(schema), cast("type[BaseModel]", schema["cls"])
        del found["title"]
        for key, field in model.model_fields.items():
            default = field.get_default(call_default_factory=True)
            if not field.is_required() and not isinstance(
                default, BaseModel
            ):  # a section's keys have their own
                found["properties"][key]["default"] = _written(field, default)
        return found


def _written(field: FieldInfo, value: object) -> object:
    """A value of this key as the file has it."""
    if isinstance(value, SecretStr):
        return str(value)
    kind = TypeAdapter[Any](Annotated[field.annotation, "written", *field.metadata])
    return kind.dump_python(value, mode="json")
