"""Chain events and terms → what each unit contributed, used and is owed."""
