"""Owns the table of users. Does not know how one logs in."""

from typing import Any

from sqlalchemy import create_engine, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from gatelodge import Login


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    # GitHub's number: a login can be renamed, and then taken by somebody else.
    github_id: Mapped[str] = mapped_column(unique=True)
    login: Mapped[str | None]
    name: Mapped[str | None]
    company: Mapped[str | None]
    location: Mapped[str | None]
    email: Mapped[str | None]
    picture: Mapped[str | None]

    def told(self) -> dict[str, Any]:
        """What the front end is told."""
        names = ("id", "login", "name", "company", "location", "email", "picture")
        return {name: getattr(self, name) for name in names}


class Directory:
    """The users, in a database."""

    def __init__(self, url: str) -> None:
        engine = create_engine(url)
        Base.metadata.create_all(engine)
        self._begin = sessionmaker(engine, expire_on_commit=False)

    def keep(self, login: Login) -> User:
        """The user of a login, made at the first one and brought up to date at each."""
        try:
            return self._keep(login)
        except IntegrityError:
            # Their first login, twice at the same moment.
            return self._keep(login)

    def _keep(self, login: Login) -> User:
        with self._begin.begin() as session:
            user = _of(session, login.sub) or User(github_id=login.sub)
            for name in ("login", "company", "location"):
                setattr(user, name, login.claims.get(name))
            user.name, user.email, user.picture = login.name, login.email, login.picture
            session.add(user)
        return user

    def find(self, number: int) -> User | None:
        """The user in this row, if it is still there."""
        with self._begin() as session:
            return session.get(User, number)


def _of(session: Session, github_id: str) -> User | None:
    return session.scalars(select(User).where(User.github_id == github_id)).one_or_none()
