"""Settings: everything that can be configured, in one class.

environment BOS_*  >  files in BOS_SECRETS_DIR  >  bos.toml  >  the defaults here
"""

import os
from pathlib import Path
from typing import Final

from pydantic import Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

TOML: Final = "bos.toml"


class Settings(BaseSettings):
    """How this installation runs. `bos doctor --json` lists it, secrets left out."""

    model_config = SettingsConfigDict(env_prefix="BOS_", toml_file=TOML, extra="forbid")

    data: Path = Field(default=Path("data"), description="folder of the embedded databases")
    database_url: SecretStr | None = Field(
        default=None,
        description="PostgreSQL of the log and the read models; without it, files in `data`",
    )
    redis_url: SecretStr | None = Field(
        default=None, description="Redis that hints workers; without it, they only sweep"
    )
    host: str = Field(default="127.0.0.1", description="address that the server listens on")
    port: int = Field(default=8000, ge=0, le=65_535, description="port that the server listens on")
    allowed_hosts: tuple[str, ...] = Field(
        default=("localhost", "127.0.0.1", "[::1]", "testserver"),
        description="names by which browsers may call this server",
    )
    business_name: str = Field(
        default="Sandbox", description="name of a business that is founded now"
    )
    timezone: str = Field(default="UTC", description="its clock (IANA name)")
    currency: str = Field(default="USD", description="its currency (ISO 4217)")
    sandbox: bool = Field(default=True, description="run the sandbox business on the first start")
    sandbox_seed: int = Field(default=7, description="seed of the sandbox business")
    effect_threads: int = Field(
        default=4, ge=1, le=64, description="connector calls at the same time"
    )
    lease_seconds: int = Field(
        default=60, ge=5, description="after how long a silent effect is retried"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the environment before the TOML file."""
        toml = TomlConfigSettingsSource(settings_cls)
        folder = os.environ.get("BOS_SECRETS_DIR")
        if folder is None:
            return init_settings, env_settings, toml
        secrets = SecretsSettingsSource(settings_cls, secrets_dir=folder)
        return init_settings, env_settings, secrets, toml
