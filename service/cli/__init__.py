"""The command line: what people and scripts type, and nothing that decides a number."""


def main() -> None:
    """Run `archduel`; the entry point of the installed command."""
    from service.cli.application import app

    app(prog_name="archduel")
