"""Tests by reach: specs, pictures, properties, contracts, journeys, simulation, architecture."""
