"""Draft → accepted: fixed, placed among what is accepted, signed, and stored with our receipt."""
