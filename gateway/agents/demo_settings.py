"""What can be chosen of the demo agent: a mode, a model that makes no difference, and one command."""

from dataclasses import dataclass

from gateway.agents.protocol import acp, schema

MODES = {"echo": "Echo", "shout": "Shout"}
MODELS = {"small": "Small", "large": "Large"}


@dataclass(slots=True)
class DemoSettings:
    """The settings of one session. They do not outlive its process, like those of other agents."""

    mode: str = "echo"
    model: str = "small"

    @property
    def loud(self) -> bool:
        """Whether answers are in capital letters."""
        return self.mode == "shout"

    @property
    def modes(self) -> schema.SessionModeState:
        """The modes, as the protocol has them."""
        modes = [schema.SessionMode(id=ident, name=name) for ident, name in MODES.items()]
        return schema.SessionModeState(current_mode_id=self.mode, available_modes=modes)

    @property
    def options(self) -> list[schema.SessionConfigOptionSelect | schema.SessionConfigOptionBoolean]:
        """The config options, as the protocol has them."""
        values = [schema.SessionConfigSelectOption(value=ident, name=name) for ident, name in MODELS.items()]
        return [
            schema.SessionConfigOptionSelect(
                type="select",
                id="model",
                name="Model",
                category="model",
                current_value=self.model,
                options=values,
            )
        ]

    def choose(self, setting: str, value: str) -> None:
        """Set mode or model; a protocol error for anything that was not offered."""
        if setting == "mode" and value in MODES:
            self.mode = value
        elif setting == "model" and value in MODELS:
            self.model = value
        else:
            raise acp.RequestError.invalid_params({"details": f"there is no {setting} {value}"})


def commands_update() -> schema.AvailableCommandsUpdate:
    """The slash commands, as the protocol has them."""
    command = schema.AvailableCommand(name="count", description="count the words that follow")
    return schema.AvailableCommandsUpdate(
        session_update="available_commands_update", available_commands=[command]
    )
