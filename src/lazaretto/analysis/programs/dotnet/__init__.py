"""What the engine for .NET reads of an assembly."""
