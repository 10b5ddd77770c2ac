"""What must outlive a process, in one small database: SQLite, or PostgreSQL by its address.

May import errors; needs neither torch nor Streamlit. SQLAlchemy is loaded by `database`, `runs`, `feedback` and
`reviews` alone, and Alembic only where a database is new or of an older version.
"""
