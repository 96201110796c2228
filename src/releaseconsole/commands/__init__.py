"""What the commands of :mod:`releaseconsole.cli` do, apart from reading their options."""
