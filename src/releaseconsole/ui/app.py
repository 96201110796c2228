"""The application: opens the session, keeps the screen fresh, and holds what is the same on every screen."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from rich.text import Text
from textual import on
from textual.app import App
from textual.binding import Binding, BindingType
from textual.notifications import SeverityLevel
from textual.screen import Screen

from releaseconsole.clock import Clock, SystemClock
from releaseconsole.errors import GateClosed, ReadOnly, ReleaseConsoleError
from releaseconsole.record.model import ActionStatus
from releaseconsole.ui.emergency import EmergencyDesk, stop_key
from releaseconsole.ui.glyphs import UNICODE, Glyphs
from releaseconsole.ui.intents import Intents
from releaseconsole.ui.keymap import bindings_of, load_keymap
from releaseconsole.ui.messages import ActionWanted, ItemWanted, PreviewWanted, Wanted, Wish
from releaseconsole.ui.offers import all_commands
from releaseconsole.ui.port import ConsoleSession
from releaseconsole.ui.screens.apply import ApplyScreen
from releaseconsole.ui.screens.deck import Moment
from releaseconsole.ui.screens.dialogs import ConfirmScreen, Question
from releaseconsole.ui.screens.help import HelpScreen, live_sections
from releaseconsole.ui.screens.layout import PANES
from releaseconsole.ui.screens.main import MainScreen
from releaseconsole.ui.screens.palette import Command, ReleaseCommands
from releaseconsole.ui.screens.preview import PreviewScreen
from releaseconsole.ui.screens.rollback import RollbackScreen
from releaseconsole.ui.screens.watch import WatchScreen
from releaseconsole.ui.themes import DEFAULT_THEME, load_themes, shipped_folder
from releaseconsole.ui.words import counted, plain

T = TypeVar("T")
FRAME = 0.2
"""Seconds between two looks at the session."""
LOGS_EVERY = 2.0
"""Seconds between two looks at logs that nobody has brought to the front."""
MOST_DIALOGS = 12
"""So many may lie over each other; only the rollback opens over any number."""
LEAVING = 8.0
"""Seconds that the session gets to close before the console leaves without it."""
_LOG = logging.getLogger("releaseconsole.ui")


class ConsoleApp(App[int], inherit_bindings=False):
    """The console on one session. ``failure`` is set when the session could not be opened."""

    CSS_PATH = "app.tcss"
    TITLE = "Release Console"
    COMMANDS: ClassVar[set[Any]] = {ReleaseCommands}
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("app")

    def __init__(
        self,
        session: ConsoleSession | Callable[[], ConsoleSession],
        *,
        theme: str = DEFAULT_THEME,
        glyphs: Glyphs = UNICODE,
        clock: Clock | None = None,
        config_folder: Path | None = None,
        log_file: Path | None = None,
        theme_folders: Sequence[Path] = (),
    ) -> None:
        """``config_folder`` may hold ``keymap.toml`` and ``themes/``; ``log_file`` is named in messages."""
        own = (config_folder / "themes",) if config_folder else ()
        # Before the base class: it asks for the themes' variables.
        self._themes = load_themes((shipped_folder(), *own, *theme_folders))
        super().__init__()
        self.animation_level = "none"
        self._session = session() if callable(session) else session
        self.glyphs = glyphs
        self.clock = clock or SystemClock()
        self._config = config_folder
        self._log_file = log_file
        self.failure: ReleaseConsoleError | None = None
        self._wanted_theme = theme
        for loaded in self._themes.themes.values():
            self.register_theme(loaded)
        self._intents = Intents(self, self._session)
        self._main = MainScreen(self._session, glyphs, self.guard)
        self.emergency = EmergencyDesk(self, self._session, self._main, self._intents, glyphs, self.clock)
        self._seen = -1
        self._second = -1
        self._logs_turn = -1
        self._opened = False
        self._leaving = asyncio.Event()
        self._session_closed = asyncio.Event()
        self._told_of: set[str] = set()

    def get_key_display(self, binding: Binding) -> str:
        """``ctrl+r`` and ``enter`` in letters, for nobody has to know what ^r means."""
        if binding.key_display or ("+" not in binding.key and binding.key != "enter"):
            return super().get_key_display(binding)
        return binding.key

    # Opening and leaving.

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """So that the style sheet can be read whichever theme is on."""
        return dict(self._themes.themes[next(iter(self._themes.themes))].variables)

    async def on_mount(self) -> None:
        self.theme = (
            self._wanted_theme if self._wanted_theme in self._themes.themes else self._themes.next_after("")
        )
        self.title = plain(self._session.title)
        await self.push_screen(self._main)
        self._tell_of_files()
        self.run_worker(self._hold_session(), group="session", name="session", exit_on_error=False)
        self.set_interval(FRAME, self._look)

    def _tell_of_files(self) -> None:
        if self._wanted_theme not in self._themes.themes:
            self.tell(f"There is no theme “{self._wanted_theme}”; this one is used instead.", "warning")
        for problem in self._themes.problems:
            self.tell(problem, "warning")
        if self._config is None:
            return
        keymap = load_keymap(self._config / "keymap.toml", self._known_bindings())
        for problem in keymap.problems:
            self.tell(problem, "warning")
        if keymap.keys:
            self.set_keymap(dict(keymap.keys))
            self.emergency.stop_key = stop_key(keymap.keys)

    def _known_bindings(self) -> Iterator[Binding]:
        for node in self._main.walk_children():
            for _, binding in node._bindings:
                yield binding

    async def _hold_session(self) -> None:
        """Keep the session open until the console is left; tell when it cannot be, or when it breaks."""
        try:
            async with self._session:
                self._opened = True
                self._main.open()
                self.emergency.opened()
                self._look()
                await self._leaving.wait()
                await self._end_intents()
        except ReleaseConsoleError as error:
            self._broken(error)
        except Exception as error:  # noqa: BLE001  (the edge of the worker: it tells)
            _LOG.exception("the session ended")
            self._broken(ReleaseConsoleError(f"The session ended: {_told(error)}.", self._where_details()))
        finally:
            self._session_closed.set()

    async def _end_intents(self) -> None:
        """What was begun for a person acts through the session: it ends before the session does."""
        begun = [one for one in self.workers if one.node is self and one.group not in ("session", "quit")]
        for worker in begun:
            worker.cancel()
        await asyncio.gather(*(worker.wait() for worker in begun), return_exceptions=True)

    def _broken(self, error: ReleaseConsoleError) -> None:
        if not self._opened:
            self.failure = error
            self.exit(return_code=error.exit_code)
        elif not self._leaving.is_set():
            self._main.session_ended()
            self.tell(f"{error} Quit and start again: nothing that was done is lost.", "error")

    def _where_details(self) -> str:
        return f"Details are in {self._log_file}." if self._log_file else "Details are in the log file."

    def _fatal_error(self) -> None:
        """Instead of Textual's traceback: a sentence on leaving, and the rest in the log."""
        error = self._exception
        _LOG.error("the console failed", exc_info=error)
        self.bell()
        words = _told(error) if isinstance(error, Exception) else "an unknown error"
        sentence = f"The console failed ({words}). {self._where_details()} Nothing that was done is lost."
        self._exit_renderables.append(Text(sentence))
        self._close_messages_no_wait()

    async def action_quit(self) -> None:
        """Leave; asks when something is under way."""
        self.begin(self._quit(), "quit")

    async def _quit(self) -> None:
        under_way = self._under_way()
        if under_way:
            about = f"{under_way}\nLeaving stops watching it; the cluster keeps what was sent to it."
            if not await self.ask(ConfirmScreen(Question("Quit now?", about, "y quit    n stay"))):
                return
        self._leaving.set()
        try:
            await asyncio.wait_for(self._session_closed.wait(), LEAVING)
        except TimeoutError:
            _LOG.warning("the session did not close in %s s", LEAVING)
        self.exit(return_code=0)

    def _under_way(self) -> str:
        if not self._opened or self._session_closed.is_set():
            return ""
        state = self._session.state
        if any(rollback.under_way for rollback in state.rollbacks):
            return "A rollback is under way."
        running = sum(one.status is ActionStatus.RUNNING for one in state.actions.values())
        return f"{counted(running, 'action')} under way." if running else ""

    # Keeping fresh.

    def _look(self) -> None:
        """Five times a second: has anything changed? Once a second: ages."""
        with self.guard("the screen"):
            self._notices()
            if not self._opened or not self._main.whole:
                return
            monotonic, now = self.clock.monotonic(), self.clock.now()
            version = self._session.version
            moment = Moment(monotonic, now)
            turn = math.floor((monotonic + 0.5) / LOGS_EVERY)
            self._main.update_logs(moment, due=turn != self._logs_turn)
            self._logs_turn = turn
            tick = math.floor(monotonic) != self._second
            if version == self._seen and not tick:
                return
            self._seen, self._second = version, math.floor(monotonic)
            self._main.update_view(moment, everything=tick)
            for screen in self.screen_stack:
                if isinstance(screen, WatchScreen):
                    screen.show(now)
            self.emergency.look(now)

    def _notices(self) -> None:
        for notice in self._session.take_notices():
            self.tell(notice.text, notice.severity)

    # What every part may use.

    def tell(self, text: str, severity: str = "information") -> None:
        """Show a sentence for a while; never as markup."""
        known: dict[str, SeverityLevel] = {"warning": "warning", "error": "error"}
        grave = known.get(severity, "information")
        timeout = {"information": 5, "warning": 8, "error": 14}[grave]
        self.notify(plain(text), severity=grave, timeout=timeout, markup=False)

    @contextmanager
    def guard(self, what: str) -> Iterator[None]:
        """Whatever goes wrong inside becomes a sentence; the screen lives on."""
        try:
            yield
        except (GateClosed, ReadOnly) as error:
            self.tell(str(error), "warning")
        except ReleaseConsoleError as error:
            self.tell(str(error), "error")
        except Exception as error:  # noqa: BLE001  (the edge: it tells)
            _LOG.exception("in %s", what)
            if what not in self._told_of:
                self._told_of.add(what)
                self.tell(f"Something is wrong with {what}: {_told(error)}. {self._where_details()}", "error")

    def begin(self, work: Awaitable[object], name: str) -> None:
        """Run an intent in a worker of its own."""

        async def guarded() -> None:
            with self.guard(f"“{name}”"):
                await work

        self._told_of.discard(f"“{name}”")
        self.run_worker(guarded(), group=name, name=name, exit_on_error=False)

    async def ask(self, screen: Screen[T]) -> T | None:
        """Show a dialog and wait for the answer; only from a worker."""
        return await self.push_screen_wait(screen)

    async def agreed(self, action_id: str) -> bool:
        answer = await self.ask(ApplyScreen(self._session, action_id, self.glyphs))
        return bool(answer)

    def verifying(self, item_id: str, under_way: bool) -> None:
        self._main.verifying(item_id, under_way)

    def push_screen(self, screen: Any, *more: Any, **options: Any) -> Any:
        """As always, but a key that repeats faster than its dialog opens does not pile dialogs up.

        Each is drawn through all those below it: a hundred of them would be more than the stack of calls holds.
        The answer of one that is not opened is None, as if it had been cancelled.
        """
        if not self._is_open(screen):
            return super().push_screen(screen, *more, **options)
        nothing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        nothing.set_result(None)
        return nothing

    def _is_open(self, screen: Any) -> bool:
        if isinstance(screen, str | PreviewScreen | RollbackScreen | MainScreen):
            return False
        about = getattr(screen, "question", None)
        same = (
            type(one) is type(screen) and getattr(one, "question", None) == about for one in self.screen_stack
        )
        return len(self.screen_stack) > MOST_DIALOGS or any(same)

    # What somebody wants.

    def _refused(self) -> bool:
        """In a read-only console a wish to change something is answered with a sentence, before any dialog."""
        if self._session.read_only:
            self.tell(
                "This console is read-only. Start it without --read-only to change something.", "warning"
            )
        return self._session.read_only

    @on(ItemWanted)
    def _item_wanted(self, message: ItemWanted) -> None:
        if self._refused():
            return
        self.begin(self._intents.item(message.item_id, message.verb), f"{message.verb} {message.item_id}")

    @on(ActionWanted)
    def _action_wanted(self, message: ActionWanted) -> None:
        if self._refused():
            return
        if message.halt:
            self.begin(self._intents.cancel(message.action_id), "cancel action")
        else:
            self.begin(self._run(message.action_id), f"run {message.action_id}")

    async def _run(self, action_id: str) -> None:
        if await self._intents.run(action_id):
            self._main.follow_action(action_id)

    @on(PreviewWanted)
    def _preview_wanted(self, message: PreviewWanted) -> None:
        if self._opened:
            self.push_screen(ApplyScreen(self._session, message.action_id, self.glyphs, only_look=True))

    @on(Wanted)
    def _wanted(self, message: Wanted) -> None:
        self.want(message.wish)

    def want(self, wish: Wish) -> None:
        """Something with the release or the console as a whole."""
        if wish in ("pin", "decide", "unlock", "accept-cluster", "tick-all") and self._refused():
            return
        if wish == "pin":
            self.begin(self._intents.pin(self._main.environment_id), "pin")
        elif wish == "decide":
            self.begin(self._intents.decide(self._main.phase.id), "go/no-go")
        elif wish == "unlock":
            self.begin(self._intents.unlock(self._main.environment_id), "unlock")
        elif wish == "accept-cluster":
            self.begin(self._intents.accept_clusters(self._main.environment_id), "accept cluster")
        elif wish == "tick-all":
            self.begin(self._intents.tick_all(self._main.phase.id), "tick")
        elif wish == "theme":
            self.use_theme(self._themes.next_after(self.theme))
        elif wish == "help":
            self.show_help()
        elif wish == "watch-rollback":
            self.emergency.watch_last()
        elif wish == "armed":
            self.emergency.armed()
        elif wish == "watch-window":
            self.watch_window()
        else:
            self.begin(self._quit(), "quit")

    def watch_window(self) -> None:
        """Show the observation window of the environment."""
        if self._opened and self._main.environment_id:
            self.push_screen(WatchScreen(self._session, self._main.environment_id, self.clock.now()))

    @on(WatchScreen.Stop)
    def _stop_watching(self, message: WatchScreen.Stop) -> None:
        if not self._refused():
            self.begin(self._intents.stop_watching(message.environment), "stop watching")

    def use_theme(self, name: str) -> None:
        """Switch to a theme by name."""
        self.theme = name
        self.tell(f"Theme: {name}")

    def show_help(self) -> None:
        """Every key that works now."""
        panes = [self._main.pane(name) for name in PANES]
        self.push_screen(HelpScreen(live_sections(self._main, panes, read_only=self._session.read_only)))

    # The rollback.

    def action_rollback(self) -> None:
        """On every screen and over every dialog: the preview, or the progress of what is not at its end."""
        self.emergency.press(self._opened)

    def action_stop_automatic(self) -> None:
        """Stop the countdown to an automatic rollback."""
        self.emergency.stop_automatic()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without a countdown, its key is free for what a text field makes of it."""
        return action != "stop_automatic" or (self._opened and self.emergency.counts_down)

    @on(PreviewScreen.Fired)
    def _fire(self, message: PreviewScreen.Fired) -> None:
        self.emergency.fire(message.preview)

    @on(RollbackScreen.Onward)
    def _onward(self, message: RollbackScreen.Onward) -> None:
        if not self._refused():
            self.emergency.onward(message)

    def commands(self) -> tuple[Command, ...]:
        """Everything that can be done now, in words, for the command palette."""
        return tuple(all_commands(self, self._main, self._session, self._themes.themes))


def _told(error: Exception) -> str:
    """The kind of an unforeseen error and the first line of what it says."""
    if isinstance(error, ExceptionGroup):
        return _told(error.exceptions[0])
    text = str(error).partition("\n")[0][:200]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
