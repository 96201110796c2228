"""The apply preview: what an action would change, read before it is agreed to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import VerticalScroll

from releaseconsole.errors import ReleaseConsoleError
from releaseconsole.session.apply_preview import ApplyPreview
from releaseconsole.ui.glyphs import Glyphs
from releaseconsole.ui.keymap import bindings_of
from releaseconsole.ui.port import ConsoleSession
from releaseconsole.ui.screens.apply_lines import apply_lines, foot_line
from releaseconsole.ui.screens.overlay import Overlay
from releaseconsole.ui.widgets.lines import Line, Piece, line
from releaseconsole.ui.words import counted, cut_end, plain, wrap

SLOW = 0.3
"""Seconds after which it is said that the dry run is under way."""
READ = 0.4
"""Seconds that a preview has to be seen before enter means it; a key that is held down starts them anew."""


class ApplyScreen(Overlay[bool]):
    """Its answer is whether somebody agreed to what was shown; nothing is applied here.

    On enter everything is tried once more. When something else would be done by now, that is shown instead, and
    has to be agreed to anew: what is applied is what was read.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("apply")

    def __init__(
        self, session: ConsoleSession, action_id: str, glyphs: Glyphs, *, only_look: bool = False
    ) -> None:
        super().__init__()
        self._session = session
        self._placed = session.plan.actions[action_id]
        self._glyphs = glyphs
        self._only_look = only_look or session.read_only
        self._preview: ApplyPreview | None = None
        self._moved: tuple[str, ...] = ()
        self._trouble = ""
        self._asking = self._slow = self._was_read = False
        self._tried = (0, 0)
        self._round = 0

    def on_mount(self) -> None:
        super().on_mount()
        self._ask()

    # Asking the cluster.

    def _ask(self, *, agreed: bool = False) -> None:
        self._asking, self._slow, self._tried = True, False, (0, 0)
        self._round += 1
        self.set_timer(SLOW, lambda asked=self._round: self._say_slow(asked))
        self.run_worker(
            self._renewed(agreed=agreed), group="apply", name="preview", exclusive=True, exit_on_error=False
        )

    async def _renewed(self, *, agreed: bool) -> None:
        """What would be done now; the answer is yes when that is what somebody has just agreed to."""
        before = self._preview
        try:
            fresh = await self._session.preview_action(self._placed.id, self._count)
        except ReleaseConsoleError as error:
            self._trouble = str(error)
        except Exception as error:  # noqa: BLE001  (the edge of the worker: it tells)
            self._trouble = f"A defect stopped the preview. {type(error).__name__}: {error}"[:300]
        else:
            if agreed and before is not None and fresh.mark == before.mark and fresh.can_apply:
                if self.app.screen is self:
                    self.dismiss(True)
                    return
            elif before is not None:
                self._moved = fresh.differs(before)
            self._preview, self._trouble = fresh, ""
        self._asking = False
        self._let_read()
        self.renew()

    def _count(self, tried: int, of: int) -> None:
        self._tried = (tried, of)

    def _say_slow(self, asked: int) -> None:
        if self._asking and asked == self._round:
            self._slow = True
            self.renew()
            self.set_timer(SLOW, lambda: self._say_slow(asked))

    def _let_read(self) -> None:
        """Only after a moment is enter an answer to what is on the screen."""
        self._was_read = False
        self._round += 1
        self.set_timer(READ, lambda shown=self._round: self._may_answer(shown))

    def _may_answer(self, shown: int) -> None:
        if shown == self._round and not self._asking:
            self._was_read = True
            self.renew()

    # What is shown.

    def heading(self) -> tuple[str, str]:
        environment = self._session.plan.environments.get(self._placed.environment or "")
        places = " and ".join(map(str, environment.targets)) if environment else ""
        return f"APPLY TO {self._env_title} ══ {places}", environment.colour if environment else "red"

    @property
    def _env_title(self) -> str:
        """The environment's, as it is written large."""
        name = self._placed.environment or ""
        environment = self._session.plan.environments.get(name)
        return plain((environment.title if environment else "") or name).upper()

    def body(self, width: int) -> list[Line]:
        return [*self._said_first(width), *self._content(width)]

    def _said_first(self, width: int) -> Iterator[Line]:
        if self._moved and not self._trouble:
            names = ", ".join(self._moved[:8])
            said = (
                f"Something else would be done than what you read: {names}. Read it again, then press enter."
            )
            yield from (line((text, "waiting")) for text in wrap(said, width, most=4))
            yield ()
        obstacles = self._session.start_obstacles(self._placed.phase.id)
        if obstacles and not self._only_look:
            said = f"It may not be applied yet: {' '.join(obstacles)}"
            yield from (line((text, "waiting")) for text in wrap(said, width, most=4))
            yield ()

    def _content(self, width: int) -> Iterator[Line]:
        if self._trouble:
            for text in wrap(f"{self._glyphs.failed} {self._trouble}", width, most=10):
                yield line((text, "failing"))
        elif self._preview is not None:
            yield from apply_lines(self._preview, width, self._glyphs)
        elif self._slow:
            tried, of = self._tried
            counts = f" {tried} of {of} tried." if of else ""
            said = f"Trying each manifest on the API server, without writing anything…{counts}"
            yield from (line((text, "waiting")) for text in wrap(said, width))
        else:
            yield ()

    def foot(self, width: int) -> Line:
        close = (Piece("      "), Piece("esc", "key"), Piece(" cancel" if self._can_agree else " close"))
        if self._asking:
            again = "Looking once more…" if self._preview and self._slow else ""
            return foot_line((line((again, "waiting"), *close), line(*close[1:])), width)
        if self._only_look and not self._trouble:
            said = (
                "This console is read-only: it shows, but cannot apply."
                if self._session.read_only
                else "Only a look: nothing is applied from here."
            )
            return foot_line((line((said, "waiting"), *close), line(*close[1:])), width)
        if not self._can_agree:
            return self._blocked(width, close)
        key = (" enter ", f"env-{self.heading()[1]}" if self._was_read else "quiet")
        forms = (
            line(key, (f" {self._consequence()}", "strong"), *close, "      ", ("↑↓", "key"), " scroll"),
            line(key, (f" {self._consequence()}", "strong"), *close),
            line(key, (" applies", "strong"), "  ", ("esc", "key")),
        )
        return foot_line(forms, width)

    def _blocked(self, width: int, close: Line) -> Line:
        enter = line(("enter", "key"), " looks again", *close)
        refused = self._preview.count("refused") if self._preview and not self._trouble else 0
        why = f"{counted(refused, 'manifest')} refused: nothing is applied. " if refused else ""
        why = why or "It cannot be applied. "
        return foot_line((line((cut_end(why, 60), "failing"), *enter), enter), width)

    @property
    def _can_agree(self) -> bool:
        shown = self._preview is not None and self._preview.can_apply and not self._trouble
        return shown and not self._only_look

    def _consequence(self) -> str:
        preview = self._preview
        if preview is None or preview.changes_nothing:
            return "applies it all the same"
        changes = sum(preview.count(one) for one in ("configured", "created", "untried"))
        return f"applies {counted(changes, 'change')} to {self._env_title}"

    # Keys.

    def action_agree(self) -> None:
        """Yes to what is shown; where nothing can be agreed to, look again."""
        if self._asking or self._only_look:
            return
        if not self._was_read:
            self._let_read()
        else:
            self._ask(agreed=self._can_agree)
            self.renew()

    def action_leave(self) -> None:
        self.dismiss(False)

    def action_edge(self, direction: int) -> None:
        """To the beginning or the end."""
        body = self.query_one(".overlay-body", VerticalScroll)
        body.scroll_home(animate=False) if direction < 0 else body.scroll_end(animate=False)
